# Shared by the zig toolchains; scripts/release/toolchain.mjs puts the wrappers on the PATH.
# Each including file has set TPM2_TARGET (a name of scripts/release/targets.mjs).
set(CMAKE_C_COMPILER zig-${TPM2_TARGET}-cc)
set(CMAKE_CXX_COMPILER zig-${TPM2_TARGET}-c++)
find_program(CMAKE_AR zig-ar REQUIRED)
find_program(CMAKE_RANLIB zig-ranlib REQUIRED)
# What of zig's linker line differs from GNU ld's: see cmake/Addon.cmake.
set(TPM2_ZIG TRUE)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
include(${CMAKE_CURRENT_LIST_DIR}/release.cmake)
