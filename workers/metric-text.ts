/** Metrics in Prometheus' text format. */
import { METRICS } from '../model/metrics.ts';
import type { Metric, MetricName, MetricProcess } from '../model/metrics.ts';
import { bypassVersion } from './version.ts';

/** A metric with its values; one that has no labels has no braces. */
export interface Family {
  readonly name: string;
  readonly type: Metric['type'];
  readonly help: string;
  readonly lines: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** A metric of Bypass, whose type and help are those of `METRICS`. */
export const familyOf = (
  name: MetricName,
  samples: readonly { readonly labels?: Labels; readonly value: number }[],
): Family => ({
  name,
  type: METRICS[name].type,
  help: METRICS[name].help,
  lines: samples.map(({ labels = {}, value }) => sampleLine(name, labelText(labels), value)),
});

export const sampleLine = (name: string, labels: string, value: number): string =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${value}`;

export const labelText = (labels: Readonly<Record<string, unknown>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name.replace(/\W/g, '_')}="${escaped(String(value))}"`)
    .toSorted()
    .join(',');

const escaped = (text: string): string =>
  text.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));

/** The metrics of a process. Those of Bypass that have no value yet are named all the same, so that their absence is an error. */
export function metricsText(process: MetricProcess, families: readonly Family[]): string {
  const found = new Map(families.map((family) => [family.name, family]));
  const declared = (Object.keys(METRICS) as MetricName[]).filter((name) =>
    METRICS[name].of.some((one) => one === process),
  );
  for (const name of declared) if (!found.has(name)) found.set(name, familyOf(name, []));
  const info = familyOf('bypass_build_info', [{ labels: { version: bypassVersion() }, value: 1 }]);
  return [...found.set(info.name, info).values()]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, type, help, lines }) => [
      `# HELP ${name} ${help.replaceAll('\n', ' ')}`,
      `# TYPE ${name} ${type}`,
      ...lines,
    ])
    .join('\n');
}
