"""Which column names of a log mean what, in ten languages.

Exact aliases are filled in without asking. A near name is only a suggestion that a person confirms, and the number of
an order is never taken for the person who ordered.
"""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import fuzz

from core.catalog.aliases import MIN_RATIO, normalise_header

#: What a column of a log can be mapped to; the most usual name comes first.
LOG_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (
        "user id", "user", "userid", "uid", "customer id", "customer", "customer no", "customer number", "visitor id",
        "visitor", "member id", "member", "client id", "client", "account id", "buyer id", "buyer", "shopper id",
        "shopper", "reviewer id", "reviewer", "person id", "people", "listener id", "reader id", "guest id",
        "用户id", "用户", "用户编号", "会员id", "会员", "会员编号", "客户id", "客户", "客户编号", "顾客", "顾客id",
        "买家", "买家id", "访客", "访客id", "用戶", "用戶id", "客戶", "客戶編號", "會員", "會員編號", "買家",
        "ユーザーid", "ユーザー", "ユーザid", "ユーザ", "顧客id", "顧客", "顧客番号", "顧客コード", "会員番号",
        "購入者", "お客様番号",
        "kundennummer", "kunden nr", "kunden id", "kunde", "kundin", "käufer", "käufer id", "besteller", "nutzer",
        "nutzer id", "benutzer", "benutzer id", "mitglied", "mitgliedsnummer", "besucher", "besucher id",
        "numéro client", "numéro de client", "n° client", "code client", "id client", "acheteur", "id acheteur",
        "utilisateur", "id utilisateur", "membre", "visiteur", "adhérent",
        "cliente", "id cliente", "número de cliente", "número cliente", "código de cliente", "código cliente",
        "no cliente", "comprador", "usuario", "id usuario", "socio", "visitante",
        "codice cliente", "numero cliente", "acquirente", "utente", "id utente", "visitatore",
        "klantnummer", "klant nr", "klant id", "klant", "koper", "gebruiker", "gebruiker id", "bezoeker",
        "klient", "id klienta", "numer klienta", "nr klienta", "kod klienta", "kupujący", "użytkownik",
        "id użytkownika",
        "username", "user name", "用户名", "benutzername", "nom d utilisateur", "gebruikersnaam",
        "email", "e mail", "email address", "mail", "user email", "customer email", "client email", "buyer email",
        "member email", "billing email", "user pseudo id", "distinct id", "anonymous id",
        "buyer username", "邮箱", "メールアドレス", "e mail adresse", "kunden email", "email client",
        "courriel", "adresse email", "correo", "correo electrónico", "email cliente", "e mailadres",
    ),
    "item": (
        "item id", "item", "itemid", "iid", "product id", "product", "sku", "sku id", "parent asin", "asin", "movie id",
        "movie", "film id", "film", "artist id", "artist", "track id", "track", "song id", "song", "album id",
        "article id", "article", "news id", "hotel id", "hotel", "book id", "isbn", "business id", "poi id", "place id",
        "video id", "game id", "recipe id", "listing id", "offer id", "content id", "stock code", "goods id", "goods",
        "product code", "item code", "product sku", "item sku", "product number", "item number", "variant sku",
        "商品id", "商品", "商品编号", "商品编码", "产品id", "产品编号", "产品", "物品id", "物品", "货号", "款号",
        "电影id", "影片id", "歌曲id", "歌手id", "文章id", "新闻id", "酒店id", "商品編號", "產品id", "產品編號", "貨號",
        "商品コード", "商品番号", "品番", "アイテムid", "アイテム", "製品id", "製品番号", "製品コード", "作品id",
        "artikelnummer", "artikel nr", "art nr", "artikel id", "artikel", "produktnummer", "produkt nr", "produkt id",
        "produkt", "produktcode",
        "id article", "code article", "référence article", "réf article", "id produit", "code produit",
        "référence produit", "produit", "n° article",
        "id producto", "código producto", "código de producto", "producto", "id artículo", "código artículo",
        "código de artículo", "artículo",
        "codice articolo", "id articolo", "articolo", "codice prodotto", "id prodotto", "prodotto",
        "artikelcode", "productnummer", "productcode",
        "id produktu", "kod produktu", "numer produktu", "id towaru", "kod towaru", "towar", "artykuł",
    ),
    "event": (
        "event", "event type", "event name", "action", "action type", "behavior", "behaviour", "behavior type",
        "behaviour type", "interaction", "interaction type", "activity", "activity type", "type",
        "事件", "事件类型", "行为", "行为类型", "动作", "操作", "类型", "イベント", "イベント種別", "アクション",
        "行動", "ereignis", "ereignistyp", "aktion", "événement", "type événement", "type d événement", "evento",
        "tipo de evento", "tipo evento", "acción", "azione", "gebeurtenis", "actie", "zdarzenie", "typ zdarzenia",
        "akcja",
    ),
    "rating": (
        "rating", "ratings", "score", "stars", "star rating", "overall", "user rating", "review score", "grade",
        "评分", "打分", "得分", "分数", "星级", "評分", "評価", "評価点", "レーティング", "スコア",
        "bewertung", "sterne", "évaluation", "étoiles", "calificación", "puntuación", "valoración", "estrellas",
        "valutazione", "punteggio", "voto", "beoordeling", "sterren", "ocena",
    ),
    "count": (
        "count", "counts", "plays", "play count", "listens", "listen count", "weight", "quantity", "qty", "clicks",
        "views", "purchases", "frequency",
        "次数", "数量", "播放次数", "点击次数", "浏览次数", "购买数量", "权重", "數量", "次數", "個数", "回数",
        "購入数", "購入数量",
        "anzahl", "menge", "stückzahl", "stück", "quantité", "qté", "nombre", "cantidad", "unidades", "quantità", "qtà",
        "pezzi", "aantal", "hoeveelheid", "ilość", "liczba", "sztuki",
    ),
    "time": (
        "timestamp", "time", "event time", "date", "datetime", "date time", "created at", "created", "time stamp",
        "timestamp ms", "unix time", "unix timestamp", "unix review time", "event date", "event timestamp",
        "order date", "purchase date", "order time", "view time", "click time", "rated at", "occurred at",
        "happened at", "ts", "invoice date", "review date", "ordered at", "purchased at", "transaction date",
        "sale date", "date added", "date add", "added at", "event day", "paid at", "bestellzeit", "erstelldatum",
        "时间", "时间戳", "日期", "事件时间", "行为时间", "创建时间", "下单时间", "购买时间", "浏览时间", "点击时间",
        "评分时间", "時間", "時間戳", "下單時間", "購買時間", "日時", "日付", "タイムスタンプ", "注文日", "注文日時",
        "購入日", "購入日時", "作成日", "作成日時",
        "zeitstempel", "zeitpunkt", "zeit", "datum", "bestelldatum", "kaufdatum", "rechnungsdatum", "auftragsdatum",
        "erstellt am", "bestellt am", "datum zeit", "datum uhrzeit",
        "horodatage", "date heure", "date et heure", "date de commande", "date commande", "date d achat", "date achat",
        "date de création", "créé le",
        "fecha", "fecha y hora", "fecha hora", "marca de tiempo", "fecha de pedido", "fecha pedido",
        "fecha de compra", "fecha compra", "fecha de creación",
        "data e ora", "data ora", "data ordine", "data acquisto", "data di acquisto", "creato il",
        "tijdstip", "tijdstempel", "besteldatum", "aankoopdatum", "aangemaakt op",
        "data i godzina", "data zamówienia", "data zakupu", "znacznik czasu", "czas",
        "updated at",
    ),
    "clock": (
        "time of day", "clock", "clock time", "uhrzeit", "heure", "hora", "ora", "tijd", "godzina", "時刻", "时刻",
    ),
}  # fmt: skip
LOG_TARGETS: tuple[str, ...] = tuple(LOG_ALIASES)

#: Nouns that make a column a candidate when no alias is near enough.
_HINTS: dict[str, frozenset[str]] = {
    "user": frozenset(
        {"user", "customer", "visitor", "member", "session", "buyer", "shopper", "client", "household"}
        | {"会话", "会话id", "cookie", "device"}
        | {"kunde", "kunden", "cliente", "klant", "klienta", "nutzer", "benutzer", "sitzung", "besuch"}
    ),
    "item": frozenset(
        {"item", "product", "sku", "movie", "article", "track", "artist", "hotel", "reference"}
        | {"artikel", "produkt", "produit", "producto", "prodotto", "articulo", "articolo", "referencia"}
    ),
    "time": frozenset({"time", "timestamp", "date", "datetime", "at", "datum", "fecha", "data"}),
    "rating": frozenset({"rating", "score", "stars", "note", "nota"}),
    "count": frozenset({"count", "quantity", "qty", "plays"}),
    "event": frozenset({"event", "action", "behavior", "behaviour"}),
}
#: Words around the noun of a name: "customer id", "numéro de client".
_AROUND = frozenset(
    {"id", "ids", "uid", "uuid", "guid", "no", "nr", "n", "n°", "num", "number", "numero", "nummer", "numer", "code"}
    | {"codigo", "codice", "kod", "key", "hash", "ref", "de", "du", "del", "di", "des", "d", "the", "of", "la", "le"}
    | {"el", "il"}
)
_CONTACT = frozenset({"email", "mail", "e", "name", "phone", "login", "address"})
_EMAIL = frozenset({"email", "mail", "courriel", "correo"})
#: Who has an address or a number and is not the person who acted.
_OTHERS = frozenset(
    {"seller", "vendor", "shop", "store", "merchant", "supplier", "marketing", "accepts", "support", "brand"}
    | {"category", "channel", "campaign", "page", "request", "review", "comment", "event", "city", "country", "region"}
    | {"warehouse", "coupon", "promotion", "row", "parent"}
)
#: What is numbered beside people, by the noun that ends the name, or that begins it in languages that put it first.
_ORDER_LAST = re.compile(
    r"orders?|invoices?|transactions?|txn|trx|baskets?|carts?|receipts?|tickets?|purchases?|checkouts?|payments?|sales?"
    r"|shipments?|quotes?|bestel(?!ler)\w*|auftrags?\w*|rechnungs?\w*|belegs?\w*|warenkorb\w*|bon|kassenbon|vorgang\w*"
    r"|factuur\w*|winkelwagen\w*|kassabon"
)
_ORDER_FIRST = re.compile(
    r"commandes?|factures?|paniers?|pedidos?|facturas?|cesta|carrito|ordin[ei]|ordini|fattur[ae]|carrello|scontrino"
    r"|compra|zamowieni[ea]|zam|faktur[ay]|paragonu?|koszyka?"
)
_ORDER_WITHIN = re.compile("订单|訂單|发票|發票|交易|购物车|購物車|注文|請求書|取引|伝票|カート")
#: Moments of something else than the event.
_OTHER_MOMENTS = frozenset(
    {"birth", "birthday", "born", "expiry", "expires", "expiration", "release", "released", "delivery", "delivered"}
    | {"shipping", "shipped", "due", "registration", "registered", "signup", "joined"}
)


@lru_cache(maxsize=4096)
def _fold(name: str) -> str:
    """The words of a column name in lower case, without accents."""
    text = normalise_header(name).casefold().replace("ł", "l").replace("'", " ").replace("’", " ")
    parts = unicodedata.normalize("NFKD", text)
    # Only accents: NFKD also takes the voice mark off a kana, which makes another letter of it.
    plain = "".join(letter for letter in parts if not "\u0300" <= letter <= "\u036f")
    return " ".join(unicodedata.normalize("NFC", plain).split())


_TARGET_OF = {_fold(alias): target for target, aliases in LOG_ALIASES.items() for alias in aliases}
_COMPACT = {alias.replace(" ", ""): target for alias, target in _TARGET_OF.items() if len(alias) > 3}


def find_exact_target(name: str) -> str:
    """The target that the column name is a known alias of, or ""."""
    header = _fold(name)
    return _TARGET_OF.get(header) or _COMPACT.get(header.replace(" ", ""), "")


def rank_target_alias(target: str, name: str) -> int:
    """How usual the column name is for the target: 0 is the most usual."""
    compact = _fold(name).replace(" ", "")
    names = [_fold(alias).replace(" ", "") for alias in LOG_ALIASES[target]]
    return names.index(compact) if compact in names else len(names)


def find_near_target(name: str) -> str:
    """The target whose alias is nearest to the column name, or that its noun hints at; "" for neither.

    Both the whole name and its noun must be near: "order id" is like "reader id", but an order is no reader.
    """
    header = _fold(name)
    noun = _noun(header)
    if is_order_number(name):
        return ""
    best, target = 0.0, ""
    for alias, other in _TARGET_OF.items():
        if (
            len(header) > 2
            and len(alias) > 3
            and (ratio := fuzz.token_sort_ratio(header, alias, score_cutoff=MIN_RATIO)) > best
            and _is_near(noun, _noun(alias))
        ):
            best, target = ratio, other
    target = target or _hint(noun)
    return "" if target in ("time", "clock") and _OTHER_MOMENTS & set(header.split()) else target


def is_other_id(name: str) -> bool:
    """Whether a column name ends as ids do and says nothing of people, orders, sellers and the like."""
    words = _fold(name).split()
    ends = len(words) > 1 and words[-1] in ("id", "code", "uri", "uuid", "key", "number", "no", "nr")
    return bool(ends and not _OTHERS & set(words) and not is_order_number(name) and _hint(_noun(_fold(name))) != "user")


def is_order_number(name: str) -> bool:
    """Whether a column name is that of an order, an invoice or a basket, not of a person or an item."""
    words = _noun(_fold(name)).split()
    if not words or _fold(name) in _TARGET_OF:
        return False
    last, first = _ORDER_LAST.fullmatch(words[-1]), _ORDER_FIRST.fullmatch(words[0])
    # "order item id" numbers the lines of an order.
    line = len(words) > 1 and _ORDER_LAST.fullmatch(words[0]) and words[-1] in ("item", "items", "line", "position")
    return bool(last or first or line or _ORDER_WITHIN.search(words[-1]))


def _noun(header: str) -> str:
    """The name without the words around its noun, whole when nothing else is in it."""
    words = header.split()
    while words and words[-1] in _AROUND:
        words.pop()
    while words and words[0] in _AROUND:
        words.pop(0)
    return " ".join(words) or header


def _is_near(noun: str, other: str) -> bool:
    """Whether two nouns are, and their last words: "user age" is like "user name"."""
    ends = noun.split()[-1:], other.split()[-1:]
    return all(fuzz.token_sort_ratio(*pair) >= MIN_RATIO for pair in ((noun, other), tuple(map("".join, ends))))


def _hint(noun: str) -> str:
    words = noun.split()
    if _EMAIL & set(words) and not _OTHERS & set(words):
        return "user"
    while len(words) > 1 and words[-1] in _CONTACT:
        words.pop()
    contact = words != noun.split()
    last = next((target for target, hints in _HINTS.items() if words and words[-1] in hints), "")
    first = next((target for target in ("time", "count") if words and words[0] in _HINTS[target]), "")
    return last if last == "user" or (last and not contact) else first
