/** Buttons that run a command at once and show a refusal. */
import { Button, type ButtonProps } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import type { Values } from '../api/client.ts';
import { type CommandOptions, useCommand } from '../api/queries.ts';

export interface Action {
  readonly isPending: boolean;
  readonly act: (values: Values) => void;
}

/** A command outside of a form. @param done message after success; none when absent */
export function useAction(command: string, done?: string, options: CommandOptions = {}): Action {
  const { isPending, mutate } = useCommand(command, options);
  return {
    isPending,
    act: (values) =>
      mutate(values, {
        onSuccess: () => {
          if (done !== undefined) notifications.show({ message: done });
        },
        onError: ({ message }) => notifications.show({ color: 'red', message, autoClose: false }),
      }),
  };
}

export interface ActionButtonProps extends Pick<ButtonProps, 'color' | 'variant' | 'size' | 'leftSection'> {
  readonly label: string;
  /** Accessible name, where the view has several such buttons: `Approve host1`. */
  readonly name?: string;
  readonly command: string;
  readonly values: Values;
  readonly done?: string;
  readonly asJob?: boolean;
}

/** A button for an action that can be undone, so that it does not ask first. */
export function ActionButton(props: ActionButtonProps): ReactNode {
  const { label, name, command, values, done, asJob = false, ...looks } = props;
  const { isPending, act } = useAction(command, done, { asJob });
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={name}
      loading={isPending}
      onClick={() => act(values)}
      {...looks}
    >
      {label}
    </Button>
  );
}
