#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Placeholder of the demo: shows the machine.
uname -a
nproc
free -m
