/** What the guest wrote to its serial console. While it is followed, new text appears below. */
import { Card, Group, Switch, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { LIVE, useOne } from '../api/queries.ts';
import type { ConsoleLog, VirtualMachine } from '../../model/api-answers.ts';
import { createConsoleText } from '../../model/console-text.ts';
import { Trouble } from '../elements/trouble.tsx';
import { isAlive } from './vm-state.ts';

export function Console({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const [isFollowed, setIsFollowed] = useState(true);
  const isLive = isFollowed && isAlive(vm);
  const { data, error } = useOne<ConsoleLog>(
    'getVirtualMachineConsoleLog',
    'consolelog',
    { virtualmachineid: vm.id },
    { every: isLive && LIVE },
  );
  const output = data?.found?.output ?? '';
  const text = useMemo(() => createConsoleText()(output), [output]);
  return (
    <Card withBorder>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          Console
        </Title>
        <Switch
          label="Follow"
          checked={isFollowed}
          disabled={!isAlive(vm)}
          onChange={(event) => setIsFollowed(event.currentTarget.checked)}
        />
      </Group>
      <Trouble error={error} />
      {text === '' ? (
        <Text size="sm" c="dimmed">
          {error === null &&
            (isAlive(vm) ? 'The guest has written nothing yet.' : 'The guest wrote nothing.')}
        </Text>
      ) : (
        <Output text={text} isFollowed={isLive} />
      )}
    </Card>
  );
}

function Output({ text, isFollowed }: { readonly text: string; readonly isFollowed: boolean }): ReactNode {
  const box = useRef<HTMLPreElement>(null);
  /** A person who has scrolled up reads: the text stays where it is. */
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isFollowed && isAtEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [text, isFollowed]);
  const noteScroll = (): void => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 8;
  };
  return (
    <pre
      ref={box}
      className="console"
      role="log"
      aria-live="off"
      aria-label="Console"
      tabIndex={0}
      onScroll={noteScroll}
    >
      {text}
    </pre>
  );
}
