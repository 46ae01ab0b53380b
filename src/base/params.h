/* The limits of defs/params.def as constants LIMIT_x. */
#ifndef BASE_PARAMS_H
#define BASE_PARAMS_H

enum limit {
#define LIMIT(name, value, unit, meaning) LIMIT_##name = (value),
#include "params.def"
#undef LIMIT
};

#endif
