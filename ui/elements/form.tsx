/** A form that shows the api's refusal and focuses the first wrong field. */
import { Button, Group, Paper, Stack } from '@mantine/core';
import { type ReactNode, type SubmitEvent, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { Refusal } from './refusal.ts';
import { Trouble } from './trouble.tsx';

export interface FormProps {
  readonly refusal: Pick<Refusal, 'error' | 'rest'>;
  readonly onSubmit: () => void;
  /** Label of the submit button. */
  readonly submit: string;
  readonly isPending: boolean;
  /** Address of the button `Back`; without it there is no such button. */
  readonly back?: string;
  /** Further buttons, before `Back`. */
  readonly buttons?: ReactNode;
  /** Pixels. */
  readonly maxWidth?: number;
  /** Whether the form has no frame, as in a dialog. */
  readonly bare?: boolean;
  readonly children: ReactNode;
}

export function Form(props: FormProps): ReactNode {
  const { refusal, onSubmit, submit, isPending, back, buttons, maxWidth = 620, bare = false } = props;
  const form = useRef<HTMLFormElement>(null);
  useFocusOnRefusal(form, refusal.error);
  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Paper
      component="form"
      ref={form}
      onSubmit={submitted}
      withBorder={!bare}
      p={bare ? 0 : 'md'}
      {...(bare ? {} : { maw: maxWidth })}
    >
      <Stack>
        {props.children}
        <Trouble error={refusal.rest} evenIfLost />
        <Group>
          <Button type="submit" loading={isPending}>
            {submit}
          </Button>
          {buttons}
          {back !== undefined && (
            <Button variant="default" component={Link} href={back}>
              Back
            </Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

/** Focuses a refusal: the submit button loses the focus, because it is disabled while the api answers. */
export function useFocusOnRefusal(
  form: { readonly current: HTMLFormElement | null },
  error: Error | null,
): void {
  useEffect(() => {
    if (error === null) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]');
    if (wrong === null || wrong === undefined) return;
    if (wrong.tabIndex < 0) wrong.tabIndex = -1;
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: 'center' });
  }, [form, error]);
}
