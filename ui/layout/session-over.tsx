/** Covers an open view when its session has ended. The view stays behind it, with its input, until the next login. */
import { Button, Modal, Text } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { useChanged } from '../api/queries.ts';
import { type Session, useIsSessionOver, useLogOut } from '../api/session.ts';
import { LoginForm } from './login-form.tsx';

export function SessionOver({ session }: { readonly session: Session }): ReactNode {
  const isOver = useIsSessionOver();
  const wasOver = useRef(false);
  const changed = useChanged();
  const logOut = useLogOut();
  useEffect(() => {
    if (wasOver.current && !isOver) void changed();
    wasOver.current = isOver;
  }, [isOver, changed]);
  return (
    <Modal
      opened={isOver}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      centered
      title="Your session is over"
    >
      <Text size="sm" mb="md">
        Nobody used it for a while, or it was ended elsewhere. Log in again: this view and what you typed in
        it are still here.
      </Text>
      <LoginForm
        user={session.username}
        buttons={
          <Button variant="default" onClick={() => void logOut()}>
            Leave
          </Button>
        }
      />
    </Modal>
  );
}
