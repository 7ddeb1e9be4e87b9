/** The attempts of a deployment, the newest first: which host, which mirror, how many bytes, how long, and why each ended. */
import { Text, Timeline } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconDownload, IconPlayerStop } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Attempt, Deployment } from '../../model/api-answers.ts';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes, duration, moment } from '../elements/quantities.ts';
import { readable } from '../elements/sentence.ts';
import { Time } from '../elements/time.tsx';
import { wordsOf } from './failure-words.ts';
import { progressOf } from './progress-bar.tsx';
import { situationOf } from './situation.ts';

/** The api answers with this many attempts at most. */
const MAX_ATTEMPTS = 20;

export function AttemptTimeline({ of }: { readonly of: Deployment }): ReactNode {
  const { attempts } = of;
  const isUnderWay = of.phase !== undefined && of.phase !== 'waiting';
  if (attempts.length === 0 && !isUnderWay) return <Text c="dimmed">{nothingYet(of)}</Text>;
  return (
    <>
      <Timeline bulletSize={24} lineWidth={2} active={attempts.length + 1}>
        {isUnderWay && (
          <Timeline.Item
            color="cyan"
            bullet={<IconDownload size={14} aria-label="under way" />}
            title={<Title>{of.source ?? 'The source is being chosen'}</Title>}
          >
            <Text size="sm">
              {situationOf(of).word}
              {of.hostname === undefined ? '' : ` on ${of.hostname}`}
            </Text>
            <Text size="sm" c="dimmed">
              {progressOf(of)}
            </Text>
          </Timeline.Item>
        )}
        {attempts.toReversed().map((attempt) => (
          <Timeline.Item
            key={`${attempt.id} ${attempt.started} ${attempt.source}`}
            color={ENDS[endOf(attempt, of)].color}
            bullet={<Bullet end={endOf(attempt, of)} />}
            title={<Title>{attempt.source}</Title>}
          >
            <Ended attempt={attempt} end={endOf(attempt, of)} />
          </Timeline.Item>
        ))}
      </Timeline>
      {attempts.length === MAX_ATTEMPTS && (
        <Text size="sm" c="dimmed" mt="sm">
          These are the last {MAX_ATTEMPTS} that ended.
        </Text>
      )}
    </>
  );
}

const nothingYet = (of: Deployment): string =>
  situationOf(of).isRunning ? 'No host has begun with it yet.' : 'No host has tried it.';

const Title = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <Text span fw={600} lh={1.4} className="long">
    {children}
  </Text>
);

type End = 'well' | 'failed' | 'stopped';

/** An attempt that neither failed nor finished was ended from outside, for example by a cancel. */
function endOf({ id, errorkind }: Attempt, { state, attempts }: Deployment): End {
  if (errorkind !== undefined) return 'failed';
  return state === 'Ready' && id === attempts.at(-1)?.id ? 'well' : 'stopped';
}

const ENDS = {
  well: { color: 'teal', icon: IconCheck, word: 'Ended well' },
  failed: { color: 'red', icon: IconAlertTriangle, word: 'Failed' },
  stopped: { color: 'gray', icon: IconPlayerStop, word: 'Stopped before its end' },
} as const satisfies Record<End, unknown>;

function Bullet({ end }: { readonly end: End }): ReactNode {
  const { icon: Icon, word } = ENDS[end];
  return <Icon size={14} aria-label={word} />;
}

function Ended({ attempt, end }: { readonly attempt: Attempt; readonly end: End }): ReactNode {
  const { error, errorkind, note, inspection, hostname, started } = attempt;
  return (
    <>
      <Text size="sm" fw={600} title={errorkind}>
        {errorkind === undefined ? ENDS[end].word : wordsOf(errorkind)}
      </Text>
      {error !== undefined && (
        <Text size="sm" className="long">
          {readable(error)}
        </Text>
      )}
      {note !== undefined && (
        <Text size="sm" className="long">
          Note: {readable(note)}
        </Text>
      )}
      {inspection !== undefined && <InspectionFacts of={inspection} />}
      <Text size="sm" c="dimmed">
        {hostname === undefined ? '' : `${hostname} · `}
        {bytes(attempt.bytes)} in {duration(secondsOf(attempt))} · <Time of={started} />
      </Text>
    </>
  );
}

const secondsOf = ({ started, ended }: Attempt): number =>
  (moment(ended).getTime() - moment(started).getTime()) / 1000;
