/** Bytes per second over the last hour, a bar a minute. */
import type { ReactNode } from 'react';
import { moment, rate } from '../elements/quantities.ts';

export interface Sample {
  readonly time: string;
  /** Bytes per second. */
  readonly rate: number;
}

const HEIGHT = 120;
const BAR = 10;

export function ThroughputChart({ samples }: { readonly samples: readonly Sample[] }): ReactNode {
  const most = Math.max(...samples.map((sample) => sample.rate), 0);
  const width = samples.length * BAR;
  const height = (value: number): number =>
    most === 0 ? 0 : Math.max(value > 0 ? 2 : 0, (value / most) * HEIGHT);
  const said = most === 0 ? 'nothing was fetched in the last hour' : `at most ${rate(most)} in the last hour`;
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Throughput by minute: ${said}`}
      >
        {samples.map((sample, at) => (
          <rect
            key={sample.time}
            x={at * BAR + 1}
            y={HEIGHT - height(sample.rate)}
            width={BAR - 2}
            height={height(sample.rate)}
          >
            <title>{`${moment(sample.time).toLocaleTimeString()}: ${rate(sample.rate)}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span>an hour ago</span>
        <span>{most === 0 ? said : `at most ${rate(most)}`}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
