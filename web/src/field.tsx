// A field of a form: its name, what it is for, and what is wrong with it, tied together for a screen reader.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { escaped } from "./shown.js";

export type Described = {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean;
};

export function Field(props: {
  readonly label: string;
  readonly help?: ComponentChildren;
  readonly error?: string | undefined;
  readonly children: (described: Described) => ComponentChildren;
}) {
  const id = useId();
  const { label, help, error } = props;
  const described = [
    help === undefined ? undefined : `${id}-help`,
    error === undefined ? undefined : `${id}-error`,
  ].filter((one) => one !== undefined);
  return (
    <div class={error === undefined ? "field" : "field wrong"}>
      <label for={id}>{label}</label>
      {props.children({
        id,
        "aria-describedby": described.length === 0 ? undefined : described.join(" "),
        "aria-invalid": error !== undefined,
      })}
      {help === undefined ? null : <small id={`${id}-help`}>{help}</small>}
      {error === undefined ? null : (
        <p class="error" id={`${id}-error`} role="alert">
          {escaped(error, 512)}
        </p>
      )}
    </div>
  );
}
