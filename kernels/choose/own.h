/* What each thread has for itself: `OWN int mine;`. In a library that is loaded later, glibc allocates it where a thread
   first uses it, and ends the process where there is no memory; of this kind it comes with the thread. */
#ifndef LOOPTAX_OWN_H
#define LOOPTAX_OWN_H

#include <limits.h> /* which tells whose library it is */

#ifdef __GLIBC__
#  define OWN static _Thread_local __attribute__((tls_model("initial-exec")))
#else
#  define OWN static _Thread_local
#endif

#endif
