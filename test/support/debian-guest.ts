/**
 * A guest with Debian's kernel, as an ISO that boots. It mounts its first boot data and prints all of it, asks for an address
 * by DHCP, prints the length of its disk, and runs QEMU's guest agent. For the full form: packages are downloaded by apt.
 */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DEBIAN_PACKAGE_PROGRAMS, unpackPackages } from './debian-packages.ts';

export interface DebianGuest {
  readonly iso: Buffer;
  /** A folder with the program dnsmasq, which libvirt's networks need. */
  readonly programs: string;
  remove(): Promise<void>;
}

/** Programs that making the guest needs. */
export const DEBIAN_GUEST_PROGRAMS = [...DEBIAN_PACKAGE_PROGRAMS, 'xorriso', 'ldd'];

const KERNEL = 'linux-image-cloud-amd64';
const PACKAGES = [
  'busybox-static',
  'isolinux',
  'syslinux-common',
  'qemu-guest-agent',
  'dnsmasq-base',
  'libnftables1',
];

const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_console', 'ata_piix', 'sr_mod', 'isofs'];
/** Modules that those need, and that no name tells. */
const MORE_MODULES =
  /\/(?:virtio\w*|failover|net_failover|isofs|cdrom|sr_mod|scsi_\w+|libata|ata_piix|crc\w*)\.ko$/;

const INIT = `#!/bin/busybox sh
export PATH=/bin:/usr/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1 </dev/ttyS0
for module in ${MODULES.join(' ')}; do modprobe $module; done
until seed=$(findfs LABEL=cidata) && [ -n "$seed" ]; do usleep 100000; done
mkdir /seed
mount -t iso9660 -o ro $seed /seed
for file in /seed/*; do echo "file \${file##*/} $(base64 $file | tr -d '\\n')"; done
echo "disk $(cat /sys/block/vda/size)"
printf '#!/bin/sh\\n[ "$1" = bound ] && ip addr add $ip/24 dev $interface\\n' >/dhcp.sh
chmod 755 /dhcp.sh
ip link set eth0 up
udhcpc -i eth0 -n -q -s /dhcp.sh >/dev/null
echo "address $(ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p')"
for port in /sys/class/virtio-ports/*; do
  if [ "$(cat $port/name)" = org.qemu.guest_agent.0 ]; then
    mkdir -p /var/run
    qemu-ga -m virtio-serial -p /dev/\${port##*/} &
  fi
done
echo ready
while :; do sleep 1000; done
`;

const BOOT_MENU = `default guest
label guest
  kernel /vmlinuz
  append initrd=/initrd console=ttyS0 quiet
`;

const run = (program: string, args: readonly string[], cwd: string, input?: string): string =>
  execFileSync(program, args, { cwd, encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'ignore'] });

export async function makeDebianGuest(): Promise<DebianGuest> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-debian-'));
  await chmod(folder, 0o755);
  const unpacked = join(folder, 'unpacked');
  unpackPackages([kernelPackage(), ...PACKAGES], unpacked);
  const programs = join(folder, 'programs');
  await writeDnsmasq(programs, unpacked);
  return {
    iso: await makeIso(folder, unpacked),
    programs,
    remove: () => rm(folder, { recursive: true }),
  };
}

/** The package of the kernel that is current. */
function kernelPackage(): string {
  const depends = run('apt-cache', ['depends', KERNEL], '/');
  return /linux-image-[\d.-]+-cloud-amd64/.exec(depends)?.[0] ?? '';
}

async function writeDnsmasq(programs: string, unpacked: string): Promise<void> {
  const libraries = join(unpacked, 'usr/lib/x86_64-linux-gnu');
  const path = join(programs, 'dnsmasq');
  await mkdir(programs);
  const command = `LD_LIBRARY_PATH=${libraries} exec ${join(unpacked, 'usr/sbin/dnsmasq')} "$@"`;
  await writeFile(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
}

async function makeIso(folder: string, unpacked: string): Promise<Buffer> {
  const content = join(folder, 'content');
  await mkdir(join(content, 'isolinux'), { recursive: true });
  const kernels = await readdir(join(unpacked, 'boot'));
  const kernel = kernels.find((name) => name.startsWith('vmlinuz')) ?? '';
  await cp(join(unpacked, 'boot', kernel), join(content, 'vmlinuz'));
  await cp(join(unpacked, 'usr/lib/ISOLINUX/isolinux.bin'), join(content, 'isolinux/isolinux.bin'));
  const loader = 'usr/lib/syslinux/modules/bios/ldlinux.c32';
  await cp(join(unpacked, loader), join(content, 'isolinux/ldlinux.c32'));
  await writeFile(join(content, 'isolinux/isolinux.cfg'), BOOT_MENU);
  await makeInitrd(join(folder, 'initrd'), unpacked, join(content, 'initrd'));
  const iso = join(folder, 'guest.iso');
  const boot = ['-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot'];
  const load = ['-boot-load-size', '4', '-boot-info-table'];
  run(
    'xorriso',
    ['-as', 'mkisofs', '-quiet', '-o', iso, '-V', 'GUEST', '-J', '-r', ...boot, ...load, content],
    folder,
  );
  return readFile(iso);
}

async function makeInitrd(root: string, unpacked: string, path: string): Promise<void> {
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'usr/sbin'])
    await mkdir(join(root, name), { recursive: true });
  await cp(join(unpacked, 'bin/busybox'), join(root, 'bin/busybox'));
  await writeFile(join(root, 'init'), INIT, { mode: 0o755 });
  await copyModules(root, unpacked);
  await copyAgent(root, join(unpacked, 'usr/sbin/qemu-ga'));
  const files = run('find', ['.'], root);
  const archive = execFileSync(join(root, 'bin/busybox'), ['cpio', '-o', '-H', 'newc'], {
    cwd: root,
    input: files,
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  await writeFile(path, archive);
}

async function copyModules(root: string, unpacked: string): Promise<void> {
  const [release = ''] = await readdir(join(unpacked, 'lib/modules'));
  const from = join('lib/modules', release);
  for (const name of run('find', [from, '-name', '*.ko'], unpacked).split('\n'))
    if (MORE_MODULES.test(name)) await cp(join(unpacked, name), join(root, name));
  run(join(root, 'bin/busybox'), ['depmod', '-b', root, release], root);
}

/** With the libraries that it is linked with. */
async function copyAgent(root: string, agent: string): Promise<void> {
  await cp(agent, join(root, 'usr/sbin/qemu-ga'));
  for (const [path] of run('ldd', [agent], root).matchAll(/\/\S+\.so\S*/g)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await cp(path, join(root, path), { dereference: true });
  }
}
