import { needingLibvirt, openLibvirtLab, openMachineLab } from '../labs/libvirt.ts';
import type { LibvirtLab, MachineLab } from '../labs/libvirt.ts';
import { bootDisk } from '../support/boot-images.ts';

needingLibvirt()('two hosts that share a libvirt', () => {
  let libvirt: LibvirtLab;
  let first: MachineLab;
  let second: MachineLab;
  beforeAll(async () => {
    libvirt = await openLibvirtLab();
    first = await openMachineLab(libvirt);
    second = await openMachineLab(libvirt, { root: first.root });
  });
  afterAll(async () => {
    await first.close();
    await second.close();
    await libvirt.close();
  });

  test('report, start and release their own domains only', async () => {
    const image = await first.publish(bootDisk('hello'), 'RAW');
    const machine = first.machine(image);
    const { vmId } = machine;
    await first.start(machine);
    expect(await first.hypervisor.domains()).toMatchObject([{ vmId, state: 'running' }]);
    expect(await second.hypervisor.domains()).toEqual([]);
    await expect(second.start(machine)).rejects.toMatchObject({
      kind: 'DomainFailed',
      message: 'another host of the same libvirt runs the domain',
    });
    const release = { vmId, generation: 1, remove: [], forget: true };
    expect(await second.hypervisor.release(release)).toMatchObject({ had: false });
    const stop = { vmId, forced: true, patienceMs: 0 };
    expect(await second.hypervisor.stop(stop, new AbortController().signal)).toBe('absent');
    expect(await first.hypervisor.domains()).toMatchObject([{ vmId, state: 'running' }]);
    expect(await first.hypervisor.release(release)).toMatchObject({ had: true });
  });
});
