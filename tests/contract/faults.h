/*
 * Faults of the disk: write, fdatasync, fsync and rename of this program stand before the C library's, so
 * that the n-th of them that touches a folder can fail, whoever calls it.
 */
#ifndef CONTRACT_FAULTS_H
#define CONTRACT_FAULTS_H

#include <stdbool.h>

enum fault_kind {
    FAULT_ONCE,   /* one call fails with EIO */
    FAULT_STICKY, /* that call and all after it fail with ENOSPC until faults_off() */
    FAULT_TORN,   /* a write stops half-way, then fails; other calls as FAULT_ONCE */
    FAULT_KINDS
};

/* Count calls that touch files below @folder; let the @n-th (1: the next) fail. */
void faults_on(const char *folder, unsigned n, enum fault_kind kind);
/* Nothing fails any more. Returns true if a fault was met since faults_on(). */
bool faults_off(void);
bool faults_met(void);

#endif
