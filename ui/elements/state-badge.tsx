/** A state as a word, an icon and a colour, so that nobody depends on one of them alone. */
import { Badge } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconClockPause,
  IconDownload,
  IconTrash,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Mood } from './mood.ts';

const LOOKS = {
  good: { color: 'teal', icon: IconCircleCheck },
  bad: { color: 'red', icon: IconAlertTriangle },
  busy: { color: 'cyan', icon: IconDownload },
  waiting: { color: 'orange', icon: IconClockPause },
  idle: { color: 'gray', icon: IconCircleDashed },
  leaving: { color: 'gray', icon: IconTrash },
} as const satisfies Readonly<Record<Mood, unknown>>;

export function StateBadge({
  mood,
  children,
}: {
  readonly mood: Mood;
  readonly children: ReactNode;
}): ReactNode {
  const { color, icon: Icon } = LOOKS[mood];
  return (
    <Badge
      color={color}
      variant="light"
      tt="none"
      fw={600}
      size="lg"
      radius="sm"
      leftSection={<Icon size={14} aria-hidden />}
      className="state"
    >
      {children}
    </Badge>
  );
}
