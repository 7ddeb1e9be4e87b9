/** Describes a virtual machine in words and numbers, from the fields that the api answers. */
import type { VirtualMachine } from '../../model/api-answers.ts';
import { nextTry, sourceSentence } from '../deployments.ts';
import type { Progress } from '../deployments.ts';
import { formatRate } from '../format.ts';
import type { Tone } from '../text.ts';

const PHASES: Readonly<Record<string, string>> = {
  place: 'choosing a host and a pool',
  copy: 'downloading its image',
  disk: 'making its disk',
  seed: 'making its first-boot data',
  define: 'defining its domain',
  start: 'starting',
  boot: 'booting',
};

const TONES: Readonly<Record<string, Tone>> = {
  Running: 'good',
  Stopped: 'faint',
  Destroyed: 'faint',
  Expunging: 'faint',
  Error: 'bad',
  Unknown: 'bad',
};

export const toneOf = ({ state }: VirtualMachine): Tone => TONES[state] ?? 'busy';

/** Whether a workflow works on it now. */
export const isUnderWay = ({ state, phase }: VirtualMachine): boolean =>
  phase !== undefined || ['Starting', 'Stopping', 'Expunging'].includes(state);

/**
 * The progress of a start, through all its phases; bytes are those of the image while it downloads. Between two steps the api
 * reports none of these: the last known percent then stays.
 * @param before what was shown last
 */
export function vmProgress(vm: VirtualMachine, before?: Progress): Progress {
  const [bytes, total, rate] = [vm.bytes ?? 0, vm.total ?? 0, vm.rate ?? 0];
  const isWaiting = vm.waitreason !== undefined;
  const isBetweenSteps = vm.phase === 'copy' && total === 0 && !isWaiting;
  return {
    id: vm.id,
    name: vm.name,
    stage: isWaiting ? 'waiting' : 'running',
    text: describeNow(vm),
    bytes,
    total,
    percent: Math.max(vm.percent ?? 0, isBetweenSteps ? (before?.percent ?? 0) : 0),
    rate,
    secondsLeft: rate > 0 && total > bytes ? (total - bytes) / rate : undefined,
    host: vm.hostname ?? '',
    source: vm.source ?? '',
    next: isWaiting ? nextTry(vm) : '',
  };
}

/** `downloading`, or why it waits. */
function describeNow(vm: VirtualMachine): string {
  if (vm.waitreason !== undefined) return sourceSentence(vm.waitreason, nextTry(vm));
  if (vm.phase === undefined) return isUnderWay(vm) ? vm.state.toLowerCase() : 'waiting for its turn';
  return PHASES[vm.phase] ?? vm.phase;
}

/** The last column of a list: what is being done, why it waits, or why it is not as it was asked to be. */
export function remarkOnVm(vm: VirtualMachine): string {
  if (!isUnderWay(vm)) return vm.error ?? '';
  const { text, rate } = vmProgress(vm);
  return rate > 0 ? `${text}, ${formatRate(rate)}` : text;
}

/** The addresses of its network cards, as far as they are known. */
export const addressesOf = ({ nic }: VirtualMachine): string =>
  nic
    .map(({ ipaddress, ip6address }) => ipaddress ?? ip6address)
    .filter((address) => address !== undefined)
    .join(', ');
