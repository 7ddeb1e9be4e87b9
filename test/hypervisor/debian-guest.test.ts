/**
 * In the full form: Debian's kernel as a guest, which prints the first boot data that it found, as cloud-init would; and its
 * addresses, as libvirt's network or its guest agent tell them.
 */
import { randomUUID } from 'node:crypto';
import type { Machine } from '../../hypervisor/hypervisor.ts';
import { seedFiles } from '../../hypervisor/seed.ts';
import { needingLibvirt, openLibvirtLab, openMachineLab } from '../labs/libvirt.ts';
import type { LibvirtLab, MachineLab } from '../labs/libvirt.ts';
import { DEBIAN_GUEST_PROGRAMS, makeDebianGuest } from '../support/debian-guest.ts';
import type { DebianGuest } from '../support/debian-guest.ts';
import { findProgram, isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

const BOOT_MS = 240_000;
const NETWORK = `<network><name>lab</name><forward mode='open'/><bridge name='labbr0'/>
<ip address='10.77.0.1' netmask='255.255.255.0'><dhcp><range start='10.77.0.10' end='10.77.0.99'/></dhcp></ip></network>`;

const nic = (network: string, last: number) => ({
  nicId: randomUUID(),
  mac: `02:00:00:00:77:0${last}`,
  network,
});

const canRun = isFullRun && DEBIAN_GUEST_PROGRAMS.every((name) => findProgram(name) !== undefined);

(canRun ? needingLibvirt() : describe.skip)('a guest with the kernel of Debian', () => {
  let guest: DebianGuest;
  let libvirt: LibvirtLab;
  let lab: MachineLab;
  beforeAll(async () => {
    guest = await makeDebianGuest();
    libvirt = await openLibvirtLab({}, { network: true, programs: guest.programs });
    await libvirt.virsh.run(['net-define', '/dev/stdin'], { xml: NETWORK });
    await libvirt.virsh.run(['net-start', 'lab']);
    lab = await openMachineLab(libvirt, {
      networks: [
        { name: 'guest', kind: 'user' },
        { name: 'nat', kind: 'libvirt', target: 'lab' },
      ],
    });
  }, BOOT_MS);
  afterAll(async () => {
    await lab.close();
    await libvirt.virsh.run(['net-destroy', 'lab']);
    await libvirt.close();
    await guest.remove();
  });

  const boot = async (changes: Partial<Machine>): Promise<Machine> => {
    const iso = await lab.publish(guest.iso, 'ISO');
    const machine = lab.machine(undefined, { iso, bootFromIso: true, memory: 256, ...changes });
    await lab.start(machine);
    return machine;
  };
  const printed = ({ vmId }: Machine): Promise<string> =>
    until(
      'the guest is ready',
      async () => {
        const { output } = await lab.hypervisor.consoleLog(vmId, 65_536);
        const text = output.toString('latin1').replaceAll('\r', '');
        return text.includes('\nready') ? text : undefined;
      },
      BOOT_MS,
    );
  const addressOf = ({ vmId }: Machine): Promise<string> =>
    until('its address is known', async () => {
      const report = (await lab.hypervisor.domains()).find((one) => one.vmId === vmId);
      return report?.addresses?.[0]?.ip4;
    });

  test(
    'gets first boot data byte for byte and a disk of its length; its address is known by lease or by its agent',
    async () => {
      const seed = {
        instanceId: randomUUID(),
        hostName: 'debian1',
        publicKeys: ['ssh-ed25519 AAAAC3Nz ann@example.com', 'ssh-rsa AAAAB3Nz "quoted"'],
      };
      const userData = Buffer.from('#cloud-config\nruncmd:\n  - [echo, "Grüße"]\n').toString('base64');
      const secrets = { vncPassword: 'hunter22', userData };
      const leased = await boot({ seed, secrets, nics: [nic('nat', 1)] });
      const alone = await boot({
        nics: [{ ...nic('guest', 2), address: '192.0.2.7', netmask: '255.255.255.0' }],
      });
      for (const machine of [leased, alone]) {
        const text = await printed(machine);
        const files = [...text.matchAll(/^file (\S+) (\S*)$/gm)].map(
          ([, name = '', content = '']) => [name, Buffer.from(content, 'base64').toString()] as const,
        );
        const wanted = Object.entries(seedFiles(machine)).map(
          ([name, content]) => [name, Buffer.from(content).toString()] as const,
        );
        expect(Object.fromEntries(files)).toEqual(Object.fromEntries(wanted));
        expect(text).toContain(`\ndisk ${machine.disk.size / 512}\n`);
      }
      expect(await addressOf(leased)).toMatch(/^10\.77\.0\.\d+$/);
      expect(await printed(leased)).toContain(`\naddress ${await addressOf(leased)}\n`);
      expect(await addressOf(alone)).toBe('10.0.2.15');
      for (const { vmId } of [leased, alone])
        await lab.hypervisor.release({ vmId, generation: 1, remove: [], forget: true });
    },
    2 * BOOT_MS,
  );
});
