// Checked by tsc, never loaded: the stand-in has the methods of OpenAIChatKit, with their types.

type Real = import("@openai/chatkit").OpenAIChatKit;

type Methods =
  | "setOptions"
  | "focusComposer"
  | "setThreadId"
  | "sendCustomAction"
  | "sendUserMessage"
  | "setComposerValue"
  | "showHistory"
  | "hideHistory"
  | "fetchUpdates";

/** Every method of the real element's own is among them. */
type Unimitated = Exclude<keyof Real, keyof HTMLElement | Methods>;
type Satisfies<Wanted, Given extends Wanted> = Given;
type NothingLeftOut = Satisfies<never, Unimitated>;
type Complete = Satisfies<Pick<Real, Methods>, ChatKitStandIn>;
