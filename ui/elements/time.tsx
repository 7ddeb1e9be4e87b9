import { Text, Tooltip } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { ago, moment } from './quantities.ts';

/** A moment of the API, as `5 min. ago`; exact when pointed at. */
export function Time({ of }: { readonly of: string | undefined }): ReactNode {
  const [now, setNow] = useState(Date.now);
  useInterval(() => setNow(Date.now()), 5000, { autoInvoke: true });
  if (of === undefined) return <Text span>never</Text>;
  const time = moment(of);
  return (
    <Tooltip label={time.toLocaleString()}>
      <time dateTime={time.toISOString()}>{ago(time, now)}</time>
    </Tooltip>
  );
}
