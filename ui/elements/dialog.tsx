import { Button, type ButtonProps, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface DialogProps extends Pick<ButtonProps, 'size' | 'variant' | 'disabled' | 'leftSection'> {
  /** Label of the button that opens the dialog. */
  readonly label: string;
  /** Accessible name, where the view has several such buttons: `Rename zone1`. */
  readonly name?: string;
  readonly title: string;
  readonly children: (close: () => void) => ReactNode;
}

/** A button that opens a dialog. Closing the dialog discards its input. */
export function Dialog({ label, name, title, children, ...looks }: DialogProps): ReactNode {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button aria-label={name} onClick={open} {...looks}>
        {label}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={title}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {children(close)}
      </Modal>
    </>
  );
}
