# The emulated board's disk: Debian 13 arm64 with systemd and Debian's kernel, as an image, without
# Argent. Sourced after lib.sh by board/emulate.

machine=$cache/machine
image_root=$machine/root
kernel_packages=$machine/kernel
# What argent's package needs is among them, so that dpkg finds it installed.
image_packages="systemd systemd-sysv udev dbus kmod gpiod i2c-tools iproute2 procps util-linux
    e2fsprogs init-system-helpers openssl libgpiod3 libserialport0 libi2c0 libcbor0.10 libssl3t64
    libzstd1 libstdc++6 libsystemd0 libeatmydata1"
# Drivers of the emulated board, by name; what they need comes along.
image_modules="ext4 virtio_pci virtio_mmio virtio_blk virtio_console virtio_net virtio_rng configfs
    i2c-dev i6300esb xhci-pci loop ftdi_sio cdc_acm usbserial gpio-sim-oot i2c-stub"
initrd_modules="virtio_pci virtio_mmio virtio_blk crc32c_generic ext4 i6300esb"

# The newest kernel of Debian 13 for arm64; its headers, its source, and busybox.
fetch_kernel() {
    if [ -d "$kernel_packages" ]; then
        release=$(cat "$kernel_packages/release")
        say "kernel $release: there"
        return 0
    fi
    begin "$kernel_packages"
    mkdir -p "$kernel_packages.part"
    quietly kernel-update in_tools "dpkg --add-architecture arm64; apt-get -q update"
    local image
    image=$(in_tools "apt-cache depends linux-image-arm64:arm64" |
        sed -n 's/.*Depends: \(linux-image-[^:]*\).*/\1/p' | head -n 1)
    release=${image#linux-image-}
    [ -n "$release" ] || fail "apt knows no arm64 kernel of Debian 13"
    say "fetching kernel $release, its headers and its source (once; some 250 MB)"
    local base=${release%-arm64} series
    series=$(cut -d. -f1,2 <<<"$release")
    # apt's own user cannot write here.
    quietly kernel-fetch in_tools "cd '$kernel_packages.part' && apt-get -q \
        -o APT::Sandbox::User=root download '$image:arm64' 'linux-headers-$release:arm64' \
        linux-headers-$base-common linux-kbuild-$base linux-source-$series busybox-static:arm64"
    echo "$release" >"$kernel_packages.part/release"
    local deb
    for deb in "$kernel_packages.part"/*.deb; do
        dpkg-deb -x "$deb" "$kernel_packages.part/unpacked"
    done
    rm "$kernel_packages.part"/*.deb
    finish "$kernel_packages"
}

# gpio-sim is in no Debian kernel and i2c-stub not in arm64's: built from Debian's own source
# against Debian's own headers. gpio-sim gets irq_sim linked in, which the kernel lacks as well.
build_modules() {
    local work=$machine/modules-$release series
    [ ! -f "$work/gpio-sim-oot.ko" ] || return 0
    say "building gpio-sim and i2c-stub for $release"
    series=$(cut -d. -f1,2 <<<"$release")
    rm -rf "$work"
    mkdir -p "$work"
    tar -C "$work" --strip-components=1 --wildcards --no-anchored -xf \
        "$kernel_packages/unpacked/usr/src/linux-source-$series.tar.xz" \
        "linux-source-$series/drivers/gpio/gpio-sim.c" "linux-source-$series/drivers/gpio/dev-sync-probe.*" \
        "linux-source-$series/kernel/irq/irq_sim.c" "linux-source-$series/drivers/i2c/i2c-stub.c" \
        2>"$work/tar.log" || [ -f "$work/drivers/gpio/gpio-sim.c" ] || fail "see $work/tar.log"
    cp "$work/drivers/gpio/gpio-sim.c" "$work/drivers/i2c/i2c-stub.c" "$work/kernel/irq/irq_sim.c" \
        "$work"
    # The kernel's own way to deliver the interrupt is not exported to modules.
    sed -i -e 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq_safe(\1);/' \
        -e '/^EXPORT_SYMBOL/d' "$work/irq_sim.c"
    printf '%s\n' 'obj-m := gpio-sim-oot.o i2c-stub.o' 'gpio-sim-oot-y := gpio-sim.o irq_sim.o' \
        >"$work/Makefile"
    # Debian's headers name their own places below /usr.
    quietly kernel-modules in_tools "cp -a '$kernel_packages/unpacked/usr/src/.' /usr/src/
        cp -a '$kernel_packages'/unpacked/usr/lib/linux-kbuild-* /usr/lib/
        make -C /usr/src/linux-headers-$release ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
            CONFIG_DEBUG_INFO_BTF_MODULES= M='$work' modules
        aarch64-linux-gnu-strip -g '$work'/*.ko"
}

# The system's files, unpacked, with what their installation would have written.
build_root() {
    [ ! -d "$image_root" ] || return 0
    say "unpacking Debian 13 arm64 with systemd (once; some 70 MB to download)"
    begin "$image_root"
    local root=$image_root.part name
    unpack_debian "$root" arm64 "$image_packages"
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    sed -i 's|^root:[^:]*:\(.*\):[^:]*$|root:x:\1:/bin/bash|' "$root/etc/passwd"
    sed 's/:.*/:*:20000:0:99999:7:::/' "$root/etc/passwd" >"$root/etc/shadow"
    sed 's/:.*/:*::/' "$root/etc/group" >"$root/etc/gshadow"
    for name in account auth password session; do
        echo "$name required pam_permit.so" >"$root/etc/pam.d/common-$name"
    done
    [ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
    [ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
    [ -e "$root/var/lock" ] || ln -s ../run/lock "$root/var/lock"
    mkdir -p "$root"/{proc,sys,dev,run,tmp,root,mnt/payload}
    chmod 1777 "$root/tmp"
    echo argent-board >"$root/etc/hostname"
    echo 'LANG=C.UTF-8' >"$root/etc/default/locale"
    echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
    ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man,info}
    ldconfig -r "$root"
    finish "$image_root"
}

# The emulated board's own parts: kernel modules, lines of a simulated GPIO chip, and a shell on a
# port of the emulator for the checks.
dress_root() {
    local root=$image_root modules=$image_root/usr/lib/modules/$release wants
    rm -rf "$image_root/usr/lib/modules"
    mkdir -p "$modules/extra"
    cp "$machine/modules-$release"/*.ko "$modules/extra/"
    cp -a "$kernel_packages/unpacked/usr/lib/modules/$release"/. "$modules/"
    in_tools "depmod -b '$root/usr' $release"
    # Only what the board uses, or the image would be twice as large.
    in_tools "for module in $(echo $image_modules); do
        modprobe -d '$root/usr' -S $release --show-depends \$module 2>/dev/null || true
        done" | sed -n "s|^insmod $modules/\([^ ]*\).*|\1|p;s|^insmod $root/lib/modules/$release/\([^ ]*\).*|\1|p" |
        sort -u >"$machine/module-list"
    (cd "$modules" && find . -name '*.ko*' | sed 's|^\./||' | grep -vxFf "$machine/module-list" |
        xargs -r rm -f)
    in_tools "depmod -b '$root/usr' $release"
    install -Dm755 "$board/emulation/guest/board-lines" "$root/usr/local/sbin/board-lines"
    install -Dm755 "$board/emulation/guest/board-shell" "$root/usr/local/sbin/board-shell"
    install -Dm755 "$board/emulation/guest/board-direct" "$root/usr/local/sbin/board-direct"
    wants=$root/etc/systemd/system/multi-user.target.wants
    mkdir -p "$wants"
    local unit
    for unit in board-lines board-shell; do
        install -Dm644 "$board/emulation/guest/$unit.service" "$root/etc/systemd/system/$unit.service"
        ln -sf "../$unit.service" "$wants/$unit.service"
    done
    install -Dm644 "$board/emulation/guest/watchdog.conf" \
        "$root/etc/systemd/system.conf.d/watchdog.conf"
    # Nobody logs in, and nothing here needs the network, a TPM or a screen.
    local name
    for name in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
        e2scrub_reap.service fstrim.timer systemd-resolved.service systemd-timesyncd.service \
        systemd-networkd.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
        systemd-pcrmachine.service systemd-tpm2-setup.service systemd-tpm2-setup-early.service \
        systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-logind.service \
        getty.target systemd-update-utmp.service systemd-rfkill.service; do
        ln -sf /dev/null "$root/etc/systemd/system/$name"
    done
    # Started once already: a first start rebuilds what the image has, for minutes when emulated.
    md5sum <<<argent-board | cut -c1-32 >"$root/etc/machine-id"
    in_tools "systemd-sysusers --root '$root'"
    touch "$root/etc/.updated" "$root/var/.updated"
}

build_initrd() {
    local work=$machine/initrd module count=0 file
    rm -rf "$work"
    mkdir -p "$work"/{bin,mods,proc,sys,dev,new}
    cp "$kernel_packages/unpacked/usr/bin/busybox" "$work/bin/busybox"
    ln -s busybox "$work/bin/sh"
    in_tools "for module in $(echo $initrd_modules); do
        modprobe -d '$image_root/usr' -S $release --show-depends \$module 2>/dev/null || true
        done" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
        count=$((count + 1))
        module=$work/mods/$(printf %02d "$count")-$(basename "${file%.xz}")
        case $file in *.xz) xz -dc "$file" >"$module" ;; *) cp "$file" "$module" ;; esac
    done
    install -m755 "$board/emulation/guest/initrd-init" "$work/init"
    in_tools "cd '$work' && find . | cpio -o -H newc --quiet | gzip -1 >'$machine/initrd.gz'"
}

# The disk of a board that was never switched on: $machine/disk.img.
build_image() {
    mkdir -p "$machine"
    local key
    key=$(cat "$board/emulation/image.sh" "$board"/emulation/guest/* | sha256sum | cut -d' ' -f1)
    fetch_kernel
    if [ -f "$machine/disk.img" ] && [ "$(cat "$machine/key" 2>/dev/null)" = "$key" ]; then
        say "disk image: there"
        return 0
    fi
    install_tools cpio kmod e2fsprogs bc flex bison
    build_modules
    build_root
    dress_root
    build_initrd
    rm -f "$machine/disk.img"
    truncate -s 900M "$machine/disk.img"
    quietly mke2fs in_tools "mke2fs -q -t ext4 -d '$image_root' -F '$machine/disk.img'"
    echo "$key" >"$machine/key"
    say "disk image made: $(du -m "$machine/disk.img" | cut -f1) MB used"
}
