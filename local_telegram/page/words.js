// The page's own texts in both languages. The bot's messages and the names of places and people stay as they are.

export const WORDS = {
  en: {
    who_you_are: "Who you are",
    you_are: "You are {name}",
    be: "Be {name}, in a tab of their own",
    as: " as {name}",
    promises: "Try the promises",
    promises_short: "Break it",
    promises_intro: "Make something go wrong, and watch in the chat that nothing is lost or done twice.",
    left: "{seconds} s left",
    seconds: "{seconds} s",
    pulled: "{name}. Watch what the bot does.",
    exchange: "The exchange times out for half a minute",
    exchange_promise: "No price, no order. What cannot be traded is refused with the reason; nothing is traded twice afterwards.",
    telegram: "Telegram is down for a minute",
    telegram_promise: "Nothing reaches the bot, nothing comes from it. Trading goes on, and all of it is told afterwards, once.",
    kill: "The program is killed and started again",
    kill_promise:
      "Stops and targets stay on the exchange meanwhile: /orders lists the same ones before and after. It says for how long it was away, catches up on what came meanwhile, and does nothing a second time.",
    theme_auto: "Theme: as your system",
    theme_light: "Theme: light",
    theme_dark: "Theme: dark",
    chats: "Chats",
    unread: "unread",
    general: "General",
    connecting: "connecting",
    bot: "bot",
    members: "{count} members",
    typing: "typing",
    upload_photo: "sending a picture",
    upload_document: "sending a file",
    busy: "busy",
    somebody_is: "{name} is {doing}",
    pinned: "Pinned message",
    messages: "Messages",
    today: "Today",
    yesterday: "Yesterday",
    newest: "To the newest message",
    edited: "edited",
    reply: "Reply",
    cancel_reply: "Cancel reply",
    you: "You",
    photo: "Photo",
    deleted: "Deleted message",
    made_topic: "{name} made the topic “{title}”",
    made_group: "{name} made the group",
    what_can: "What can this bot do?",
    what_here: "What can be tried here?",
    in_group: "In a group the bot hears what is for it: a command with its name, or an answer to what it wrote.",
    invited: "With a link of invitation from the owner, paste it here:",
    invitation: "Link of invitation",
    open: "Open",
    no_invitation: "That is no link to this bot",
    open_as: "Open the link as",
    start: "Start",
    commands: "Commands",
    menu: "Menu",
    message: "Message",
    show_keyboard: "Show the bot's keyboard",
    keyboard: "The bot's keyboard",
    attach: "Send a picture or a file",
    send: "Send",
    close: "Close",
    copy: "Copy",
    copied: "Copied",
    copy_refused: "Copying was refused",
    failed: "That did not work",
    no_connection: "No connection to the chat server",
  },
  ru: {
    who_you_are: "Кто вы",
    you_are: "Вы — {name}",
    be: "Стать {name} в отдельной вкладке",
    as: " от имени {name}",
    promises: "Проверить обещания",
    promises_short: "Сбой",
    promises_intro: "Сломайте что-нибудь и посмотрите в чате: ничего не теряется и не делается дважды.",
    left: "ещё {seconds} с",
    seconds: "{seconds} с",
    pulled: "{name}. Посмотрите, что сделает бот.",
    exchange: "Биржа полминуты не отвечает",
    exchange_promise: "Ни цен, ни ордеров. Что нельзя исполнить, отклоняется с объяснением; потом ничего не исполняется дважды.",
    telegram: "Telegram не работает минуту",
    telegram_promise: "До бота ничего не доходит, и от него тоже. Торговля идёт, а потом обо всём сообщается — один раз.",
    kill: "Программу убивают и запускают снова",
    kill_promise:
      "Стопы и цели всё это время стоят на бирже: /orders до и после показывает одни и те же ордера. Программа скажет, сколько её не было, разберёт пришедшее за это время и ничего не сделает второй раз.",
    theme_auto: "Тема: как в системе",
    theme_light: "Тема: светлая",
    theme_dark: "Тема: тёмная",
    chats: "Чаты",
    unread: "не прочитано",
    general: "Общая",
    connecting: "соединение",
    bot: "бот",
    members: "участников: {count}",
    typing: "печатает",
    upload_photo: "отправляет картинку",
    upload_document: "отправляет файл",
    busy: "занят",
    somebody_is: "{name} {doing}",
    pinned: "Закреплённое сообщение",
    messages: "Сообщения",
    today: "Сегодня",
    yesterday: "Вчера",
    newest: "К последнему сообщению",
    edited: "изменено",
    reply: "Ответить",
    cancel_reply: "Не отвечать",
    you: "Вы",
    photo: "Фото",
    deleted: "Удалённое сообщение",
    made_topic: "{name}: создана тема «{title}»",
    made_group: "{name}: создана группа",
    what_can: "Что умеет этот бот?",
    what_here: "Что здесь попробовать?",
    in_group: "В группе бот слышит только то, что для него: команду с его именем или ответ на его сообщение.",
    invited: "Если владелец дал ссылку-приглашение, вставьте её сюда:",
    invitation: "Ссылка-приглашение",
    open: "Открыть",
    no_invitation: "Это не ссылка на этого бота",
    open_as: "От чьего имени открыть ссылку",
    start: "Начать",
    commands: "Команды",
    menu: "Меню",
    message: "Сообщение",
    show_keyboard: "Показать клавиатуру бота",
    keyboard: "Клавиатура бота",
    attach: "Отправить картинку или файл",
    send: "Отправить",
    close: "Закрыть",
    copy: "Скопировать",
    copied: "Скопировано",
    copy_refused: "Скопировать не удалось",
    failed: "Не получилось",
    no_connection: "Нет связи с сервером чата",
  },
};

export const language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";

/** Returns the text of this key in the reader's language; `values` are inserted by name. */
export function word(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Returns the same, or the given text for a key from outside. */
export function wordOr(key, otherwise) {
  return WORDS[language][key] ?? otherwise;
}

/** Inserts the texts into the page: data-text, data-title, data-label and data-placeholder name their keys. */
export function translate(root) {
  const kinds = { title: "title", label: "aria-label", placeholder: "placeholder" };
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  for (const [kind, attribute] of Object.entries(kinds)) {
    for (const element of root.querySelectorAll(`[data-${kind}]`)) element.setAttribute(attribute, word(element.dataset[kind]));
  }
}

document.documentElement.lang = language;
translate(document);
