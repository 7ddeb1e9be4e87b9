/** Throughput of the last hour, with one bar per minute. */
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
  const maxRate = Math.max(...samples.map((sample) => sample.rate), 0);
  const width = samples.length * BAR;
  const height = (value: number): number =>
    maxRate === 0 ? 0 : Math.max(value > 0 ? 2 : 0, (value / maxRate) * HEIGHT);
  const summary =
    maxRate === 0 ? 'nothing was fetched in the last hour' : `at most ${rate(maxRate)} in the last hour`;
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Throughput by minute: ${summary}`}
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
        <span>{maxRate === 0 ? summary : `at most ${rate(maxRate)}`}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
