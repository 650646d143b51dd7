#!/bin/sh
# A Slurm cluster of one node on this machine, for trying. As root, on Debian:
#     apt-get install slurm-wlm munge && sh tests/slurm/start.sh      (and at the end: sh tests/slurm/stop.sh)
# It replaces /etc/slurm/slurm.conf: only for a machine that is no part of a cluster.
set -eu
if [ -e /etc/slurm/slurm.conf ] && ! grep -q '^ClusterName=trying$' /etc/slurm/slurm.conf; then
    echo "/etc/slurm/slurm.conf is there already, and not from here: it stays as it is." >&2
    exit 1
fi
mkdir -p /etc/slurm /var/lib/slurm-trying/ctld /var/lib/slurm-trying/d /var/log/slurm /run/munge
chown munge: /run/munge
cat > /etc/slurm/slurm.conf <<CONF
ClusterName=trying
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=5
StateSaveLocation=/var/lib/slurm-trying/ctld
SlurmdSpoolDir=/var/lib/slurm-trying/d
SlurmctldPidFile=/run/slurm-trying-ctld.pid
SlurmdPidFile=/run/slurm-trying-d.pid
SlurmctldLogFile=/var/log/slurm/ctld.log
SlurmdLogFile=/var/log/slurm/d.log
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
runuser -u munge -- munged
slurmctld -c
slurmd -c
sleep 2
sinfo
