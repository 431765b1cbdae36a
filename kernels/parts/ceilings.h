/* The loops of `ceilings.c`. */
#ifndef LOOPTAX_CEILINGS_H
#define LOOPTAX_CEILINGS_H

#include <stddef.h>

/* The sum of `size` numbers, read `repeats` times over. */
double looptax_read(const double *x, ptrdiff_t size, ptrdiff_t repeats);

/* Does `rounds` rounds of multiply-adds; returns how many a round has. */
double looptax_multiply_add_f64(ptrdiff_t rounds);
double looptax_multiply_add_f32(ptrdiff_t rounds);

#endif
