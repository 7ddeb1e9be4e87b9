/** The attempts of a deployment: which host, which mirror, how many bytes, how long, and why each ended. */
import { Text, Timeline } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Attempt } from '../api/shapes.ts';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes, duration, moment } from '../elements/quantities.ts';
import { Time } from '../elements/time.tsx';

/** The api tells no more of them. */
const SHOWN = 20;

export function AttemptTimeline({ attempts }: { readonly attempts: readonly Attempt[] }): ReactNode {
  if (attempts.length === 0) return <Text c="dimmed">No host has begun with it yet.</Text>;
  return (
    <>
      {attempts.length === SHOWN && (
        <Text size="sm" c="dimmed" mb="sm">
          The last {SHOWN} are shown.
        </Text>
      )}
      <Timeline bulletSize={24} lineWidth={2} active={attempts.length}>
        {attempts.toReversed().map((attempt) => (
          <Timeline.Item
            key={`${attempt.id} ${attempt.started} ${attempt.source}`}
            color={attempt.error === undefined ? 'teal' : 'red'}
            bullet={
              attempt.error === undefined ? (
                <IconCheck size={14} aria-label="ended well" />
              ) : (
                <IconAlertTriangle size={14} aria-label="failed" />
              )
            }
            title={
              <Text span fw={600} lh={1.4} className="long">
                {attempt.source}
              </Text>
            }
          >
            <Text size="sm">{outcomeOf(attempt)}</Text>
            {attempt.note !== undefined && <Text size="sm">Note: {attempt.note}</Text>}
            {attempt.inspection !== undefined && <InspectionFacts of={attempt.inspection} />}
            <Text size="sm" c="dimmed">
              {attempt.hostname === undefined ? '' : `${attempt.hostname} · `}
              {bytes(attempt.bytes)} in {duration(secondsOf(attempt))} · <Time of={attempt.started} />
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </>
  );
}

const secondsOf = ({ started, ended }: Attempt): number =>
  (moment(ended).getTime() - moment(started).getTime()) / 1000;

const outcomeOf = ({ error, errorkind }: Attempt): string =>
  error === undefined ? 'Ended well' : `${errorkind ?? 'Failed'}: ${error}`;
