/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mkprobe: what the test scripts cannot do from a shell.
 *
 * A subcommand that stands for one system call prints "OK", or the name of
 * the error ("EBUSY") and fails, so that a script can compare a word.
 */
#ifndef MKPROBE_H
#define MKPROBE_H

/* mkprobe.c */
int probe_result(long ret);
void *probe_read_file(const char *path, unsigned long *size);
unsigned long probe_number(const char *text);

/* image.c */
int image_file_load(int argc, char **argv);
int image_file_unload(int argc, char **argv);
int image_load(int argc, char **argv);
int image_unload(int argc, char **argv);
int image_reboot(int argc, char **argv);
int image_kexec(int argc, char **argv);

/* luo.c */
int luo_keep(int argc, char **argv);
int luo_find(int argc, char **argv);
int luo_serve(int argc, char **argv);
int luo_gap(int argc, char **argv);
int luo_wait(int argc, char **argv);
int luo_succeed(int argc, char **argv);

/* machine.c */
int machine_legacy(int argc, char **argv);
int machine_plant(int argc, char **argv);
int machine_restore(int argc, char **argv);
int machine_scan(int argc, char **argv);
int machine_mapped(int argc, char **argv);
int machine_map(int argc, char **argv);
int machine_port(int argc, char **argv);
int machine_msr(int argc, char **argv);
int machine_canary(int argc, char **argv);
int machine_tsc(int argc, char **argv);
int machine_nmi(int argc, char **argv);
int machine_laps(int argc, char **argv);
int machine_gaps(int argc, char **argv);

/* core.c */
int core_info(int argc, char **argv);
int core_find(int argc, char **argv);
int core_same(int argc, char **argv);
int core_hold(int argc, char **argv);
int core_timed(int argc, char **argv);

/* sock.c */
int sock_listen(int argc, char **argv);
int sock_connect(int argc, char **argv);
int sock_pty(int argc, char **argv);

#endif /* MKPROBE_H */
