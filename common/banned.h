/*
 * banned.h - functions that have no safe use here, as compile errors. Included before every file.
 * Use g_ascii_strtoll and friends, g_strlcpy, g_snprintf, g_strsplit, GRand or a hash of the seed.
 */
#pragma once
#include <openssl/evp.h>        /* it names parameters rand */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#pragma GCC poison atoi atol atoll atof strcpy strcat sprintf vsprintf strtok gets rand srand
