/** The system programs that virtual machines need on a host. */
import type { ProtocolProgram } from '../model/protocols.ts';

export const HYPERVISOR_PROGRAMS: readonly ProtocolProgram[] = [
  { name: 'virsh', purpose: 'run virtual machines', args: ['--version'], printsVersion: true },
];
