# The addon as a Windows DLL: no import of node.exe (see windows_node_imports.cc.in), and nothing
# beside the system's own DLLs.
file(STRINGS ${TPM2_NODE_MODULES}/node-api-headers/def/node_api.def TPM2_NODE_API_NAMES
  REGEX "^(napi|node_api)_[a-z0-9_]+$")
set(TPM2_NODE_IMPORT_POINTERS "")
set(TPM2_NODE_IMPORT_TABLE "")
foreach(name IN LISTS TPM2_NODE_API_NAMES)
  string(APPEND TPM2_NODE_IMPORT_POINTERS "void* __imp_${name} = nullptr;\n")
  string(APPEND TPM2_NODE_IMPORT_TABLE "    {\"${name}\", &__imp_${name}},\n")
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/windows_node_imports.cc.in
  ${CMAKE_CURRENT_BINARY_DIR}/windows_node_imports.cc @ONLY)
target_sources(node_tpm2 PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/windows_node_imports.cc)
# Makes the headers say dllimport; without it the linker would patch the calls before the pointers
# are filled.
target_compile_definitions(node_tpm2 PRIVATE BUILDING_NODE_EXTENSION)
# GetProcAddress answers with one function type for all; names that begin with __imp_ are the
# linker's convention.
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/windows_node_imports.cc PROPERTIES
  COMPILE_OPTIONS "-Wno-cast-function-type")
target_link_options(node_tpm2 PRIVATE -static -Wl,--gc-sections)
if(TPM2_ZIG)
  # zig's own build of LLVM's libunwind exports its functions from whatever it is linked into. Here it
  # is from the same sources, beside which nothing of that build is taken.
  enable_language(C ASM)
  get_filename_component(TPM2_ZIG_BIN ${CMAKE_CXX_COMPILER} DIRECTORY)
  set(TPM2_UNWIND ${TPM2_ZIG_BIN}/../lib/libunwind)
  add_library(tpm2_unwind OBJECT ${TPM2_UNWIND}/src/Unwind-seh.cpp ${TPM2_UNWIND}/src/libunwind.cpp
    ${TPM2_UNWIND}/src/UnwindLevel1.c ${TPM2_UNWIND}/src/UnwindRegistersRestore.S
    ${TPM2_UNWIND}/src/UnwindRegistersSave.S)
  target_include_directories(tpm2_unwind PRIVATE ${TPM2_UNWIND}/include)
  target_compile_definitions(tpm2_unwind PRIVATE _LIBUNWIND_HIDE_SYMBOLS _LIBUNWIND_IS_NATIVE_ONLY NDEBUG)
  target_compile_options(tpm2_unwind PRIVATE -Os -w -ffile-prefix-map=${TPM2_UNWIND}=libunwind)
  target_link_libraries(node_tpm2 PRIVATE tpm2_unwind)
else()
  # A call of Node-API that was compiled without dllimport is an error, not such a patch.
  target_link_options(node_tpm2 PRIVATE -Wl,--disable-auto-import -Wl,--no-insert-timestamp -Wl,--dynamicbase -Wl,--nxcompat
    -Wl,--high-entropy-va)
endif()
