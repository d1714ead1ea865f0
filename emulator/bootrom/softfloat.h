/* The float and double routines of the RP2040's boot ROM (datasheet 2.8.3.2).
 *
 * Everywhere: denormals count as zero of their sign and are never made; NaN counts as the infinity of its sign; results
 * are rounded to nearest, ties to even. Fixed-point arguments: `places` bits after the binary point; conversions to
 * fixed point round towards minus infinity and clamp.
 *
 * Numbers stand as their bit patterns: uint32_t for float, uint64_t for double. */
#ifndef BOOTROM_SOFTFLOAT_H
#define BOOTROM_SOFTFLOAT_H

#include <stdint.h>

/* Indices beyond the ROM's tables, for the image of version 1: there -0 and negative denormals convert to -1. */
enum softfloat_variant { SOFTFLOAT_V1_FLOAT2INT = 32, SOFTFLOAT_V1_FLOAT2FIX };

/* Routine `index` of the ROM's float or double table on r[0..3], arguments and results as there. Returns the cycles to
 * charge; 0 means that there is no such routine. */
uint32_t softfloat_call(unsigned index, uint32_t r[4]);
uint32_t softdouble_call(unsigned index, uint32_t r[4]);

/* ---- Arithmetic: softfloat.c and softdouble.c ---- */
uint32_t float_add(uint32_t x, uint32_t y);
uint32_t float_multiply(uint32_t x, uint32_t y);
uint32_t float_divide(uint32_t x, uint32_t y);
uint32_t float_square_root(uint32_t x);
int float_compare(uint32_t x, uint32_t y);      /* -1, 0, 1; NaN and denormals flushed */
int float_compare_fast(uint32_t x, uint32_t y); /* by the bits alone; -0 equals 0 */
int32_t float_to_fix(uint32_t x, int32_t places);
uint32_t float_to_ufix(uint32_t x, int32_t places);
int64_t float_to_fix64(uint32_t x, int32_t places);
uint64_t float_to_ufix64(uint32_t x, int32_t places);
uint32_t float_from_fix64(int64_t value, int32_t places);
uint32_t float_from_ufix64(uint64_t value, int32_t places);
uint64_t float_to_double(uint32_t x);

uint64_t double_add(uint64_t x, uint64_t y);
uint64_t double_multiply(uint64_t x, uint64_t y);
uint64_t double_divide(uint64_t x, uint64_t y);
uint64_t double_square_root(uint64_t x);
int double_compare(uint64_t x, uint64_t y);
int double_compare_fast(uint64_t x, uint64_t y);
int64_t double_to_fix64(uint64_t x, int32_t places);
uint64_t double_to_ufix64(uint64_t x, int32_t places);
uint64_t double_from_fix64(int64_t value, int32_t places);
uint64_t double_from_ufix64(uint64_t value, int32_t places);
uint32_t double_to_float(uint64_t x);

/* ---- Elementary functions: softscience.c; angles in radians ---- */
void float_sine_cosine(uint32_t x, uint32_t *ret_sine, uint32_t *ret_cosine);
uint32_t float_exponential(uint32_t x);
uint32_t float_logarithm(uint32_t x);
uint32_t float_arc_tangent(uint32_t y, uint32_t x);
void double_sine_cosine(uint64_t x, uint64_t *ret_sine, uint64_t *ret_cosine);
uint64_t double_exponential(uint64_t x);
uint64_t double_logarithm(uint64_t x);
uint64_t double_arc_tangent(uint64_t y, uint64_t x);

#endif
