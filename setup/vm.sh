#!/usr/bin/env bash
# Runs tests on a kernel that has what this machine's perhaps hasn't: cgroup v2 with all
# controllers, project quotas on ext4 and XFS, and a clock that may be set. That is Debian's,
# in a virtual machine without a network, whose whole user land is busybox, the tests and
# the program. Nothing of it stays.
#
# It takes qemu-system-x86, mkfs.ext4 and, for XFS, mkfs.xfs; packages of the kernel and of
# busybox are downloaded with apt-get, and unpacked, not installed. The processor is emulated,
# which takes some minutes; VM_ACCEL=kvm is faster, where that works.
#
#   [VM_ACCEL=kvm] setup/vm.sh [-test.run=…]

set -euo pipefail
cd "$(dirname "$0")/.."

for program in qemu-system-x86_64 mkfs.ext4 apt-get dpkg cpio; do
  if ! PATH=$PATH:/usr/sbin:/sbin type "$program" >/dev/null 2>&1; then
    echo "vm.sh: $program is missing; on Debian: apt-get install --no-install-recommends qemu-system-x86 e2fsprogs cpio" >&2
    exit 1
  fi
done
PATH=$PATH:/usr/sbin:/sbin

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{packages,kernel,root/{bin,proc,sys,dev,tmp,ext4,xfs,modules,sys/fs/cgroup}}
image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
(cd "$dir/packages" && apt-get download -qq "$image" busybox-static bash-static)
for package in "$dir"/packages/*.deb; do dpkg -x "$package" "$dir/kernel"; done

root=$dir/root
find "$dir/kernel" -type f \( -name busybox -o -name bash-static \) -path '*bin/*' -exec cp {} "$root/bin/" \;
# Debian compresses modules from release 13 on.
order="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk libcrc32c quota_tree quota_v2 xfs loop"
for module in $order; do
  find "$dir/kernel" -name "$module.ko*" -exec cp {} "$root/modules/" \;
done
find "$root/modules" -name '*.xz' -exec xz -d {} +
for package in cgroup disk; do
  CGO_ENABLED=0 go test -c -o "$root/bin/$package.test" "./internal/$package"
done
CGO_ENABLED=0 go test -c -o "$root/bin/chaos.test" ./e2e/chaos
CGO_ENABLED=0 go build -o "$root/bin/hotcell" .

drives=()
truncate -s 1G "$dir/ext4"
mkfs.ext4 -q -O quota,project -E quotatype=prjquota,nodiscard "$dir/ext4"
drives+=(-drive "file=$dir/ext4,if=virtio,format=raw")
if type mkfs.xfs >/dev/null 2>&1; then
  truncate -s 1G "$dir/xfs"
  mkfs.xfs -q "$dir/xfs"
  drives+=(-drive "file=$dir/xfs,if=virtio,format=raw")
fi

args=
(($# == 0)) || args=$(printf '%q ' "$@")
cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /tmp
for module in $order; do
  [ ! -e /modules/\$module.ko ] || insmod /modules/\$module.ko
done
ln -s bash-static /bin/bash
mount -t ext4 -o prjquota /dev/vda /ext4
run() { echo "== \$1"; shift; "\$@" -test.v -test.timeout=5m $args || echo "vm: FAILED"; }
TMPDIR=/ext4 run "cgroup v2, at its root" cgroup.test
mkdir /sys/fs/cgroup/own
setfattr -n trusted.delegate -v 1 /sys/fs/cgroup/own # as systemd does
echo "== cgroup v2, in a group that is delegated, alone"
(echo 0 >/sys/fs/cgroup/own/cgroup.procs && TMPDIR=/ext4 exec cgroup.test -test.v -test.timeout=5m $args) || echo "vm: FAILED"
TMPDIR=/ext4 run "quotas of ext4" disk.test
ifconfig lo 127.0.0.1
export HOTCELL_TEST_PROGRAM=/bin/hotcell HOTCELL_TEST_CLOCK=1 HOTCELL_PYTHON=/none
echo "== a clock that is set"
(TMPDIR=/ext4 exec chaos.test -test.v -test.timeout=10m -test.run=TestClock $args) || echo "vm: FAILED"
if [ -e /dev/vdb ]; then mount -t xfs -o prjquota /dev/vdb /xfs && TMPDIR=/xfs run "quotas of XFS" disk.test; fi
echo "vm: done"
reboot -f # which ends the machine
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$dir/initrd"

timeout 900 qemu-system-x86_64 -accel "${VM_ACCEL:-tcg}" -cpu max -smp 2 -m 1536 -nographic -no-reboot -nic none \
  -kernel "$dir"/kernel/boot/vmlinuz-* -initrd "$dir/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check" "${drives[@]}" \
  </dev/null | tee "$dir/log"
grep -q 'vm: done' "$dir/log" && ! grep -Eq 'vm: FAILED|^--- FAIL' "$dir/log"
