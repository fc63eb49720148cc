set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(TPM2_TARGET linux-arm64-musl)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
