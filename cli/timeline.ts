/** Shows one deployment in full: its fields, and all its attempts. */
import { fromWhom } from '../model/spread.ts';
import type { Attempt } from '../model/api-answers.ts';
import { describe } from './bars.ts';
import { type KnownDeployment, progressOf, stageOf, TONES } from './deployments.ts';
import { formatAmount, formatBytes, formatDuration, formatRate, formatTime, parseTime } from './format.ts';
import { describeInspection } from './inspection.ts';
import type { TitledValue } from './output.ts';
import { clean, paint, wrap } from './text.ts';
import type { Style } from './text.ts';

export function timelineFields(d: KnownDeployment): readonly TitledValue[] {
  const stage = stageOf(d);
  const progress = progressOf(d);
  const underWay = stage === 'running' || stage === 'waiting';
  return [
    {
      title: 'Template',
      value: `${d.templatename}${d.format === undefined ? '' : ` (${d.format})`}`,
      tone: 'strong',
    },
    { title: 'Pool', value: d.storagename, tone: 'strong' },
    {
      title: 'State',
      value: `${d.state}${d.downloadstate === undefined ? '' : ` (${d.downloadstate})`}`,
      tone: TONES[stage],
    },
    { title: 'Now', value: underWay ? describe(progress) : undefined },
    { title: 'Done', value: underWay && progress.total > 0 ? describeNumbers(d) : undefined },
    { title: 'From', value: fromWhom(d.depth, d.sourcehostname) },
    { title: 'Being copied by', value: describeCopyingHosts(d) },
    { title: 'Sent', value: describeCost(d) },
    { title: 'Error', value: stage === 'failed' || stage === 'ready' ? d.error : undefined, tone: 'bad' },
    { title: 'Cancelled', value: stage === 'cancelled' ? `by ${d.cancelledby}` : undefined },
    { title: 'Size', value: d.size !== undefined && d.size > 0 ? describeSize(d) : undefined },
    { title: 'Path', value: d.localpath ?? d.installpath },
    { title: 'SHA-256', value: d.sha256 },
    { title: 'Verified', value: d.verified },
    { title: 'Inspected', value: describeInspection(d.inspection) },
    { title: 'Zone', value: d.zonename },
    { title: 'Workflow', value: d.workflowid },
    { title: 'Attempts', value: d.attempts?.length ? undefined : (d.attemptcount ?? 0) },
  ];
}

const describeCopyingHosts = ({ copyinghosts = 0, copyinghostnames }: KnownDeployment): string | undefined =>
  copyinghosts === 0 ? undefined : (copyinghostnames ?? `${copyinghosts} hosts`);

/** What the copy has cost the origin, and other hosts. */
function describeCost({ originbytes = 0, peerbytes = 0 }: KnownDeployment): string | undefined {
  if (originbytes + peerbytes === 0) return undefined;
  return `${formatBytes(originbytes)} by the origin, ${formatBytes(peerbytes)} by other hosts`;
}

function describeNumbers(d: KnownDeployment): string {
  const { percent, bytes, total, rate, secondsLeft } = progressOf(d);
  const speed = rate > 0 ? ` at ${formatRate(rate)}` : '';
  const left = secondsLeft === undefined ? '' : `, ${formatDuration(secondsLeft)} left`;
  return `${percent}%, ${formatAmount(bytes, total)}${speed}${left}`;
}

const describeSize = ({ size = 0, physicalsize }: KnownDeployment): string =>
  physicalsize === undefined || physicalsize === 0 || physicalsize === size
    ? formatBytes(size)
    : `${formatBytes(size)} (${formatBytes(physicalsize)} on disk)`;

const INDENT = '  ';

/** The attempts, oldest first as the api gives them. @param width undefined for lines of any length */
export function renderTimeline(
  { attempts = [], state }: KnownDeployment,
  width: number | undefined,
  style: Style,
): readonly string[] {
  const room = width === undefined ? Infinity : Math.max(20, width - 2 * INDENT.length);
  const lines = attempts.flatMap((attempt) => {
    const end = endOf(attempt, state === 'Ready' && attempt === attempts.at(-1));
    const [head, ...details] = describeAttempt(attempt);
    return [
      `${SIGNS[end](style)} ${clean(head ?? '')}`,
      ...details.flatMap((detail) => wrap(clean(detail), room)).map((line) => `${INDENT}${line}`),
    ].map((line) => INDENT + line);
  });
  return lines.length === 0 ? [] : [paint('Attempts', 'faint', style), ...lines];
}

type End = 'done' | 'failed' | 'stopped';

const SIGNS: Readonly<Record<End, (style: Style) => string>> = {
  done: (style) => paint(style.good, 'good', style),
  failed: (style) => paint(style.bad, 'bad', style),
  stopped: (style) => paint('-', 'faint', style),
};

/** An attempt that neither failed nor completed the image was ended from outside, such as by a cancel. */
function endOf({ error }: Attempt, brought: boolean): End {
  if (error !== undefined) return 'failed';
  return brought ? 'done' : 'stopped';
}

function describeAttempt(attempt: Attempt): readonly string[] {
  const { started, ended, hostname, source, bytes, error, errorkind, note } = attempt;
  const found = describeInspection(attempt.inspection);
  const seconds = (parseTime(ended) - parseTime(started)) / 1000;
  const took = Number.isNaN(seconds) ? '' : ` in ${formatDuration(seconds)}`;
  const rate = seconds > 0 && bytes > 0 ? ` (${formatRate(bytes / seconds)})` : '';
  const kind = errorkind === undefined ? '' : `${errorkind}: `;
  return [
    `${formatTime(started)}  ${hostname ?? ''}  ${formatBytes(bytes)}${took}${rate}`,
    ...(source ? [source] : []),
    ...(error === undefined ? [] : [`${kind}${error}`]),
    ...(found === undefined ? [] : [`found: ${found}`]),
    ...(note === undefined ? [] : [note]),
  ];
}
