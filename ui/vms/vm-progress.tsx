/** How far the start of a machine is: a bar through its image, its disk and its boot, and why it waits or failed. */
import { Group, Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { BAR_COLOURS } from '../elements/bar-colours.ts';
import { bytes, duration, rate } from '../elements/quantities.ts';
import { inShort, readable } from '../elements/sentence.ts';
import { Time } from '../elements/time.tsx';
import { situationOfVm } from './vm-state.ts';

export interface VmProgressProps {
  readonly of: VirtualMachine;
  /** Maximum number of lines of the reason, for a row of a list. */
  readonly lines?: number;
}

export function VmProgress({ of, lines }: VmProgressProps): ReactNode {
  const reason = of.waitreason ?? of.error;
  return (
    <>
      {of.percent !== undefined && <Bar of={of} percent={of.percent} />}
      {reason !== undefined && (
        <Text
          size="sm"
          mt={4}
          className="long"
          {...(lines === undefined ? {} : { lineClamp: lines, title: reason })}
        >
          {lines === undefined ? readable(reason) : inShort(reason)}
        </Text>
      )}
      {of.nexttry !== undefined && (
        <Text size="sm" c="dimmed">
          next try <Time of={of.nexttry} />
        </Text>
      )}
    </>
  );
}

function Bar({ of, percent }: { readonly of: VirtualMachine; readonly percent: number }): ReactNode {
  return (
    <div className="progress">
      <Group gap="xs" wrap="nowrap" mt={4}>
        <Progress
          value={percent}
          color={BAR_COLOURS[situationOfVm(of).mood]}
          flex={1}
          size="lg"
          aria-label={`Start of ${of.name}`}
        />
        <Text size="sm" className="figure" miw={44} ta="right">
          {percent} %
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {imageProgress(of)}
      </Text>
    </div>
  );
}

/** Such as `5.1 MiB of 24.0 MiB · 470 KiB/s · 40 s left`; empty unless the image downloads. */
function imageProgress({ bytes: there = 0, total = 0, rate: speed = 0 }: VirtualMachine): string {
  if (total === 0) return '';
  return [
    `${bytes(there)} of ${bytes(total)}`,
    ...(speed > 0 ? [rate(speed)] : []),
    ...(speed > 0 && total > there ? [`${duration((total - there) / speed)}\u00a0left`] : []),
  ].join(' · ');
}
