# Cross builds with the zig of scripts/release: the files beside this one set REQUANT_ZIG_TARGET and include it.
# ZIG, a variable or of the environment, is the path of the compiler.
if(NOT ZIG)
  set(ZIG $ENV{ZIG})
endif()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG)

set(CMAKE_CXX_COMPILER ${ZIG} c++ -target ${REQUANT_ZIG_TARGET})
# One program is compiler and archiver; CMake's own rules know no subcommands.
set(CMAKE_AR ${ZIG} CACHE FILEPATH "")
set(CMAKE_RANLIB ${ZIG} CACHE FILEPATH "")
set(CMAKE_CXX_ARCHIVE_CREATE "<CMAKE_AR> ar qcs <TARGET> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "<CMAKE_AR> ar qs <TARGET> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_FINISH "")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-s")

# zig spells out every feature of its target, so -mavx512f does not bring the 512-bit registers along.
set(REQUANT_AVX512_REGISTERS -mevex512)
