/*
 * must(x): says what cannot be otherwise. Never compiled out, never used on input. When it does not hold, the
 * program prints where and ends (SIGABRT): the store recovers, a wrong state would not.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

/* Print "file:line: must(text) does not hold" to standard error and abort. Thread: any. */
_Noreturn void must_fail(const char *file, int line, const char *text);

#define must(x) ((x) ? (void)0 : must_fail(__FILE__, __LINE__, #x))

#endif
