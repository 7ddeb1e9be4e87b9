/** One host with all that is known of it, for people. */
import type { Host, HostNetwork } from '../model/api-answers.ts';
import { formatBytes } from './format.ts';
import type { TitledValue } from './output.ts';

/** How a host runs virtual machines, in a line: `kvm, QEMU 9.2.0, libvirt 11.3.0`; or why it runs none. */
function hypervisorLine({ vmproblem, accelerator, hypervisorversion, libvirtversion }: Host): string {
  if (vmproblem !== undefined) return vmproblem;
  if (libvirtversion === undefined) return 'not reported yet';
  return `${accelerator ?? 'KVM is tried'}, QEMU ${hypervisorversion ?? '?'}, libvirt ${libvirtversion}`;
}

const networkWords = ({ name, type, vlan, problem }: HostNetwork): string =>
  `${name} (${problem ?? `${type}${vlan ? ', VLAN' : ''}`})`;

export const hostDetails = (host: Host): readonly TitledValue[] => [
  { title: 'Name', value: host.name },
  { title: 'Id', value: host.id },
  { title: 'State', value: host.state, tone: host.state === 'Up' ? 'good' : 'bad' },
  { title: 'Resource state', value: host.resourcestate },
  { title: 'Zone', value: host.zonename },
  { title: 'Cluster', value: host.clustername },
  { title: 'Address', value: host.ipaddress },
  { title: 'Version', value: host.version },
  { title: 'Fingerprint', value: host.fingerprint },
  { title: 'Problems', value: host.problem?.join('; '), tone: 'bad' },
  { title: 'Virtual machines', value: host.virtualmachinecount },
  {
    title: 'Hypervisor',
    value: hypervisorLine(host),
    tone: host.vmproblem === undefined ? undefined : 'bad',
  },
  { title: 'Accelerator', value: host.acceleratorreason },
  { title: 'Networks', value: host.hostnetwork?.map(networkWords).join(', ') || undefined },
  { title: 'UEFI', value: host.bootmodes?.join(', ') || undefined },
  {
    title: 'Processors',
    value: allocation(
      host.cpunumber,
      (cpus) => `${cpus} of ${host.cpuspeed} MHz`,
      host.cpuallocatedpercentage,
    ),
  },
  { title: 'Memory', value: allocation(host.memorytotal, formatBytes, host.memoryallocatedpercentage) },
];

const allocation = (
  total: number | undefined,
  format: (total: number) => string,
  percentage: string | undefined,
): string | undefined =>
  total === undefined ? undefined : `${format(total)}, ${percentage ?? '0.00%'} allocated`;
