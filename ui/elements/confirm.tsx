import { Button, type ButtonProps, Group, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface ConfirmProps {
  /** What the button does: `Delete`. */
  readonly label: string;
  /** What the button does to what, where there are several of its kind: `Delete debian-12`. */
  readonly name?: string;
  /** The question: `Delete template debian-12?` */
  readonly title: string;
  /** What cannot be undone. */
  readonly children: ReactNode;
  readonly onConfirm: () => void;
  readonly disabled?: boolean;
  readonly icon?: ReactNode;
  readonly size?: ButtonProps['size'];
}

/** A button for what cannot be undone: it asks first. */
export function Confirm(props: ConfirmProps): ReactNode {
  const { label, name, title, children, onConfirm, disabled = false, icon, size = 'sm' } = props;
  const [opened, { open, close }] = useDisclosure();
  const confirm = (): void => {
    close();
    onConfirm();
  };
  return (
    <>
      <Button
        color="red"
        variant="light"
        size={size}
        aria-label={name}
        onClick={open}
        disabled={disabled}
        leftSection={icon}
      >
        {label}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={title}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Text component="div" size="sm">
          {children}
        </Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close} data-autofocus>
            Keep
          </Button>
          <Button color="red" onClick={confirm}>
            {label}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
