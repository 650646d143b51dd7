#!/bin/sh
# Ends what start.sh started.
for name in slurm-trying-d slurm-trying-ctld munge/munged; do
    [ -s "/run/$name.pid" ] && kill "$(cat "/run/$name.pid")"
done
rm -f /etc/slurm/slurm.conf
