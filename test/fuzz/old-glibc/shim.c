/* What the fuzzer's binary asks of glibc 2.38 and GCC 13, for systems that are older. */
#include <stdlib.h>

long __isoc23_strtol(const char* text, char** end, int base) { return strtol(text, end, base); }
unsigned long __isoc23_strtoul(const char* text, char** end, int base) { return strtoul(text, end, base); }
/* std::ios_base::Init where <iostream> no longer does it: an older libstdc++ does it by itself. */
void _ZSt21ios_base_library_initv(void) {}
