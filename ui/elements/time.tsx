import { Text } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { ago, clock, moment } from './quantities.ts';

/** A moment of the API, such as `12:45:03` and `5 min. ago`; the tooltip names the time zone. */
export function Time({ of }: { readonly of: string | undefined }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useInterval(() => setNow(Date.now()), 5000, { autoInvoke: true });
  if (of === undefined) return <Text span>never</Text>;
  const time = moment(of);
  return (
    <time dateTime={time.toISOString()} title={time.toString()}>
      {clock(time, now)} <span className="ago">({ago(time, now)})</span>
    </time>
  );
}
