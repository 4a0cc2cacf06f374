# Shared by the scripts of this folder; sourced, not run. Debian 13 is the system of the boards:
# its Swift (6.0.3) builds for them, in a chroot, whatever Debian this machine runs.
set -euo pipefail

suite=trixie
board=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(dirname "$board")
# Downloads, build tools and images: nothing of the checkout, safe to delete, used again if there.
cache=${ARGENT_CACHE:-${HOME:-/root}/.cache/argent}
tools=$cache/tools-$suite
sysroot=$cache/sysroot-$suite-arm64
resources=/usr/libexec/swift/lib/swift
program=$(basename "$0")

say() { printf '%s: [%4d s] %s\n' "$program" "$SECONDS" "$*"; }
fail() {
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# Runs a long step with its output in a log; shows the log's end when it fails.
quietly() {
    local log=$cache/log/$1
    shift
    mkdir -p "$cache/log"
    "$@" >"$log" 2>&1 </dev/null || {
        tail -n 30 "$log" >&2
        fail "'$1' failed; the whole log is $log"
    }
}

need_root() {
    [ "$(id -u)" = 0 ] || fail "needs root (a chroot, a Debian system unpacked): run it with sudo"
    command -v debootstrap >/dev/null ||
        fail "debootstrap is missing: apt-get install debootstrap"
    [ -r /usr/share/debootstrap/scripts/$suite ] ||
        fail "this debootstrap does not know Debian 13 ($suite): install a newer one"
}

# The mirror that this machine's own apt uses for Debian, or $ARGENT_MIRROR; and its proxy.
debian_mirror() {
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' \
        2>/dev/null | grep -v -- '-security' | head -n 1 || true)
    mirror=${ARGENT_MIRROR:-$mirror}
    [ -n "$mirror" ] || fail "apt knows no Debian mirror here: set ARGENT_MIRROR to one"
    printf '%s\n' "$mirror"
}
take_proxy() {
    local HTTP_PROXY_OF_APT=
    eval "$(apt-config shell HTTP_PROXY_OF_APT Acquire::http::Proxy)"
    [ -z "$HTTP_PROXY_OF_APT" ] || export http_proxy="$HTTP_PROXY_OF_APT"
}

# Runs a command line in the Debian 13 chroot. Mounts and processes live in namespaces of their
# own and go with it. The checkout and the cache have the same paths inside as outside, so that paths the
# compiler writes down are true in both.
in_tools() {
    local command=$1
    shift
    ARGENT_BIND="$tree:$cache:$tree/../shared" TOOLS=$tools \
        unshare --mount --pid --fork --kill-child --propagation private bash -c '
        set -e
        mkdir -p "$TOOLS/proc" "$TOOLS/dev"
        mount -t proc proc "$TOOLS/proc"
        mount --rbind /dev "$TOOLS/dev"
        IFS=:
        for folder in $ARGENT_BIND; do
            folder=$(realpath -m "$folder")
            [ -d "$folder" ] || continue
            mkdir -p "$TOOLS$folder"
            mount --rbind "$folder" "$TOOLS$folder"
        done
        unset IFS
        exec chroot "$TOOLS" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
            ${http_proxy:+http_proxy="$http_proxy"} \
            PATH=/usr/libexec/swift/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -euc "$@"' \
        _ "cd '$tree'; $command" _ "$@"
}

# Prepares an empty folder for a step that must not be taken for done when it was cut short.
begin() { rm -rf "$1.part" && mkdir -p "$(dirname "$1")"; }
finish() { mv "$1.part" "$1"; }

# The Debian 13 chroot of this machine's architecture with Swift and cross tools.
tools_packages="swiftlang gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user python3"
# What board/provision installs: tools here, libraries both here and for arm64.
provisioned=$("$board/provision" --list)
libraries=$(grep -- '-dev$' <<<"$provisioned")
make_tools() {
    if [ -d "$tools" ]; then
        say "Debian 13 chroot with Swift: there ($tools)"
    else
        say "making the Debian 13 chroot with Swift (once; some 600 MB to download)"
        local mirror
        mirror=$(debian_mirror)
        begin "$tools"
        quietly tools-debootstrap debootstrap --variant=minbase --arch=amd64 \
            --include=ca-certificates $suite "$tools.part" "$mirror"
        cat >"$tools.part/etc/apt/apt.conf.d/99argent" <<'CONF'
APT::Install-Recommends "0";
Acquire::Languages "none";
Dpkg::Use-Pty "0";
DPkg::Options { "--force-unsafe-io"; };
CONF
        finish "$tools"
    fi
    install_tools $tools_packages $provisioned
}

# Adds packages to the chroot that are not in it yet.
install_tools() {
    local missing="" package
    for package in "$@"; do
        [ "$(dpkg-query --admindir="$tools/var/lib/dpkg" -W -f '${db:Status-Status}' "$package" \
            2>/dev/null)" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing into the chroot:" $missing
    cp /etc/resolv.conf "$tools/etc/resolv.conf"
    quietly tools-update in_tools "apt-get -q update"
    quietly tools-install in_tools \
        "DEBIAN_FRONTEND=noninteractive apt-get -q -y install $missing && apt-get clean"
}

# unpack_debian FOLDER ARCH PACKAGES: a Debian 13 system of another architecture without running
# one of its instructions: debootstrap resolves and downloads, every package is unpacked, and the
# package manager's own notes are written as it would have.
unpack_debian() {
    local root=$1 arch=$2 packages=$3 mirror
    mirror=$(debian_mirror)
    quietly "unpack-$(basename "$root")" debootstrap --foreign --variant=minbase --arch="$arch" \
        --include="$(echo $packages | tr ' ' ,)" $suite "$root" "$mirror"
    local info=$root/var/lib/dpkg/info deb name multi key
    mkdir -p "$info"
    echo 1 >"$info/format"
    : >"$root/var/lib/dpkg/status"
    for deb in "$root"/var/cache/apt/archives/*.deb; do
        name=$(dpkg-deb -f "$deb" Package)
        multi=$(dpkg-deb -f "$deb" Multi-Arch)
        key=$name
        [ "$multi" != same ] || key=$name:$arch
        dpkg-deb -x "$deb" "$root"
        rm -rf "$info/.control"
        dpkg-deb -e "$deb" "$info/.control"
        (cd "$info/.control" && for file in *; do
            [ "$file" = control ] || mv "$file" "$info/$key.$file"
        done)
        dpkg-deb --fsys-tarfile "$deb" | tar -t |
            sed -e 's|^\./|/|' -e 's|\(.\)/$|\1|' -e 's|^/$|/.|' >"$info/$key.list"
        {
            sed -n '1p' "$info/.control/control"
            echo "Status: install ok installed"
            sed '1d' "$info/.control/control"
            if [ -s "$info/$key.conffiles" ]; then
                echo "Conffiles:"
                while read -r file; do
                    [ ! -f "$root$file" ] || echo " $file $(md5sum <"$root$file" | cut -d' ' -f1)"
                done < <(grep '^/' "$info/$key.conffiles")
            fi
            echo
        } >>"$root/var/lib/dpkg/status"
    done
    rm -rf "$info/.control" "$root/debootstrap" "$root"/var/cache/apt/archives/*.deb
}

# The arm64 headers, libraries and Swift runtime that a program for the board is linked against.
sysroot_packages="swiftlang libgcc-14-dev libstdc++-14-dev $libraries"
make_sysroot() {
    if [ "$(cat "$sysroot/.packages" 2>/dev/null)" = "$sysroot_packages" ]; then
        say "arm64 sysroot: there ($sysroot)"
        return 0
    fi
    say "unpacking the arm64 sysroot (once; some 600 MB to download)"
    rm -rf "$sysroot"
    begin "$sysroot"
    unpack_debian "$sysroot.part" arm64 "$sysroot_packages"
    # A program run under qemu-user sees these of the machine it runs on.
    rm -rf "$sysroot.part"/{dev,proc,sys,run,tmp,home,root}
    # Absolute links would point at this machine's own files.
    find "$sysroot.part/usr/lib" "$sysroot.part/usr/include" "$sysroot.part/usr/libexec" \
        -type l -lname '/*' | while read -r link; do
        ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" \
            "$sysroot.part$(readlink "$link")")" "$link"
    done
    echo "$sysroot_packages" >"$sysroot.part/.packages"
    finish "$sysroot"
}

# The description by which `swift build --swift-sdk aarch64-unknown-linux-gnu` finds the sysroot.
make_sdk() {
    local version bundle=$cache/argent-arm64.artifactbundle
    if [ -f "$bundle/installed" ] && [ "$bundle/installed" -nt "$tools/usr/bin/swift" ]; then
        say "arm64 SDK: there"
        return 0
    fi
    version=$(in_tools 'swift --version 2>/dev/null' |
        sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    rm -rf "$bundle"
    mkdir -p "$bundle/arm64"
    cat >"$bundle/info.json" <<JSON
{"schemaVersion": "1.0", "artifacts": {"argent-arm64": {"type": "swiftSDK",
 "version": "$version", "variants": [{"path": "arm64"}]}}}
JSON
    cat >"$bundle/arm64/swift-sdk.json" <<JSON
{"schemaVersion": "4.0", "targetTriples": {"aarch64-unknown-linux-gnu": {
 "sdkRootPath": "$sysroot",
 "swiftResourcesPath": "$sysroot$resources",
 "swiftStaticResourcesPath": "$sysroot${resources}_static",
 "toolsetPaths": ["toolset.json"]}}}
JSON
    cat >"$bundle/arm64/toolset.json" <<JSON
{"schemaVersion": "1.0", "rootPath": "/usr/libexec/swift/bin",
 "cCompiler": {"extraCLIOptions": ["-fPIC"]},
 "swiftCompiler": {"extraCLIOptions":
   ["-use-ld=lld", "-Xclang-linker", "--sysroot=$sysroot", "-sdk", "$sysroot"]},
 "linker": {"path": "ld.lld"}}
JSON
    quietly sdk in_tools "swift sdk remove argent-arm64 || true; swift sdk install '$bundle'"
    touch "$bundle/installed"
    say "Swift $version, arm64 SDK installed in the chroot"
}

# What keeps the program small: it uses neither regular expressions nor Swift Concurrency, and
# exports no symbols. Every function of a library is looked up at start and the table of them made
# read-only: no look-up on the rig's thread when it first says stop.
lean="-Xswiftc -Xfrontend -Xswiftc -disable-implicit-string-processing-module-import
    -Xswiftc -Xfrontend -Xswiftc -disable-implicit-concurrency-module-import
    -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs
    -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now"

# build_release arm64|amd64: the three programs, stripped, in .build/board/ARCH.
build_release() {
    local arch=$1 target strip scratch=$tree/.build/board product
    case $arch in
        arm64)
            target="ARGENT_CPU= swift build --swift-sdk aarch64-unknown-linux-gnu"
            strip=aarch64-linux-gnu-strip
            ;;
        amd64)
            # Other linkers leave the table of functions writable here.
            target="swift build -Xswiftc -use-ld=lld"
            strip=strip
            ;;
    esac
    mkdir -p "$scratch/$arch"
    say "building for $arch (release)"
    for product in argent argent-workstation argent-bench; do
        quietly "release-$arch-$product" in_tools "env $target --disable-sandbox \
            --scratch-path '$scratch/swift-$arch' \
            -c release --static-swift-stdlib --product $product $(echo $lean)"
        in_tools "$strip -o '$scratch/$arch/$product' \
            '$scratch/swift-$arch/'*-linux-gnu/release/$product"
    done
    say "built for $arch: $(cd "$scratch/$arch" && stat -c '%n %s bytes' argent argent-workstation | paste -sd, -)"
}
