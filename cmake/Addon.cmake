# The Node-API addon: the core, the conversions, and nothing of node's own symbols but Node-API.
set(TPM2_NODE_MODULES ${CMAKE_SOURCE_DIR}/node_modules)
if(NOT EXISTS ${TPM2_NODE_MODULES}/node-api-headers/include/node_api.h)
  message(FATAL_ERROR "node-api-headers is missing: run `npm ci` first")
endif()
file(GLOB TPM2_ADDON_SOURCES CONFIGURE_DEPENDS src/addon/*.cc)
if(WIN32)
  list(FILTER TPM2_ADDON_SOURCES EXCLUDE REGEX "_posix\\.cc$")
else()
  list(FILTER TPM2_ADDON_SOURCES EXCLUDE REGEX "_windows\\.cc$")
endif()
add_library(node_tpm2 MODULE ${TPM2_ADDON_SOURCES})
set_target_properties(node_tpm2 PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(node_tpm2 PRIVATE src)
target_include_directories(node_tpm2 SYSTEM PRIVATE
  ${TPM2_NODE_MODULES}/node-api-headers/include ${TPM2_NODE_MODULES}/node-addon-api)
target_compile_definitions(node_tpm2 PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS
  NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(node_tpm2 PRIVATE tpm2_core)
if(WIN32)
  include(cmake/WindowsAddon.cmake)
elseif(NOT APPLE)
  # Nothing but node's entry points is exported: else the libcrypto inside node would answer for
  # ours. zig's linker line knows no --exclude-libs; the version script alone does the same there.
  # nodelete: threads of ours and libcrypto's per-thread cleanup outlive a worker's dlclose().
  target_link_options(node_tpm2 PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/addon_exports.map
    -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete)
  if(TPM2_ZIG)
    target_link_options(node_tpm2 PRIVATE -Wl,--build-id=none)
  else()
    target_link_options(node_tpm2 PRIVATE -Wl,--exclude-libs,ALL)
  endif()
  set_target_properties(node_tpm2 PROPERTIES
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/addon_exports.map)
endif()
