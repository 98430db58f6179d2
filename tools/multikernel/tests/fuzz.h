/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

/* The main() of mkctl.c, as it is called in a program that has one of its own */
int mkctl_main(int argc, char **argv);

#endif /* FUZZ_H */
