// What Debian's static libstdc++ expects of the C library and musl does not have. Linked with it
// for musl, it makes the libstdc++.so.6 that Bun for musl asks for and that Debian has no package
// of. For running the tests only: nothing of it is in what is published.
#define _GNU_SOURCE
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

// Never the fast path without locks.
char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t value = 0;
  (void)getrandom(&value, sizeof value, 0);
  return value;
}

size_t __strftime_l(char* out, size_t size, const char* format, const struct tm* time,
                    locale_t locale) {
  return strftime_l(out, size, format, time, locale);
}

// "Not found" sends the unwinder to dl_iterate_phdr, which musl has.
int _dl_find_object(void* address, void* result) {
  (void)address;
  (void)result;
  return -1;
}

// GCC's library for arm64 asks whether the processor has atomic instructions.
unsigned long __getauxval(unsigned long type) { return getauxval(type); }

// Destructors of thread-local objects are not run: a test process ends soon enough.
int __cxa_thread_atexit_impl(void (*destructor)(void*), void* object, void* library) {
  (void)destructor;
  (void)object;
  (void)library;
  return 0;
}
