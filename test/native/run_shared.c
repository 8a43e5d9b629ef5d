/* Runs the main of a shared object, for tests under musl's own loader: zig links programs for musl statically. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  if (count < 2) return fputs("expected the path of a shared object with a main\n", stderr), 2;
  void* const program = dlopen(arguments[1], RTLD_NOW);
  int (*const program_main)(int, char**) = program == NULL ? NULL : (int (*)(int, char**))dlsym(program, "main");
  if (program_main == NULL) return fprintf(stderr, "%s\n", dlerror()), 2;
  return program_main(count - 1, arguments + 1);
}
