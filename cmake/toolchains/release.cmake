# Common to the toolchains that make release binaries: the same bytes wherever they are built, one
# section per function for --gc-sections, no symbol table.
get_filename_component(TPM2_SOURCE_ROOT ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(TPM2_RELEASE_FLAGS
  "-ffile-prefix-map=${TPM2_SOURCE_ROOT}=. -ffunction-sections -fdata-sections")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  string(APPEND TPM2_RELEASE_FLAGS " -fstack-protector-strong")
endif()
set(CMAKE_C_FLAGS_INIT "${TPM2_RELEASE_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${TPM2_RELEASE_FLAGS}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-s")
# Small rather than fast: the TPM takes the time, and a binary may have 3 MB. By force, or a build
# folder that was configured before this changed would go on with what it had.
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "" FORCE)
# zig compiles its libc++ once for each level of optimisation: let CMake's own probes use the one
# that is needed anyway.
set(CMAKE_TRY_COMPILE_CONFIGURATION Release)
