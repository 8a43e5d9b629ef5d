set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(REQUANT_ZIG_TARGET x86_64-linux-musl)
# zig links programs for musl statically. As shared objects they run as the addon does: under the loader of the C compiler
# musl-gcc, which scripts/release/test-target.mjs makes the runner with.
set(REQUANT_SHARED_TESTS ON)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_BINARY_DIR}/run_shared)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
