# Cross builds with the zig of scripts/release: the files beside this one set REQUANT_ZIG_TARGET and include it.
# ZIG, a variable or of the environment, is the path of the compiler.
if(NOT ZIG)
  set(ZIG $ENV{ZIG})
endif()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG)

set(CMAKE_CXX_COMPILER ${ZIG} c++ -target ${REQUANT_ZIG_TARGET})
# One program is compiler and archiver; CMake's rules know no subcommands.
foreach(tool ar ranlib)
  file(WRITE ${CMAKE_BINARY_DIR}/zig-${tool} "#!/bin/sh\nexec \"${ZIG}\" ${tool} \"$@\"\n")
  file(CHMOD ${CMAKE_BINARY_DIR}/zig-${tool} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
set(CMAKE_AR ${CMAKE_BINARY_DIR}/zig-ar CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB ${CMAKE_BINARY_DIR}/zig-ranlib CACHE FILEPATH "" FORCE)
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-s")

# zig spells out every feature of its target, so -mavx512f does not bring the 512-bit registers along.
set(REQUANT_AVX512_REGISTERS -mevex512)
