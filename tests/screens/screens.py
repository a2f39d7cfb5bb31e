"""The screens: an application, how it looks, and whether it is held out while tuning."""

LATIN, JAPANESE = "latin", "japanese"


def screen(name, app, category, held_out, language=LATIN, **look):
    seed = sum(name.encode()) * 7919
    return {"name": name, "app": app, "category": category, "held_out": held_out, "seed": seed,
            "language": language, **look}


SCREENS = [
    screen("gtk-form", "gtk", "office", False),
    screen("gtk-form-serif", "gtk", "office", True, font="DejaVu Serif", pixels=15),
    screen("gtk-dark", "gtk", "dark", False, dark=True),
    screen("gtk-disabled", "gtk", "disabled", True, disabled=True),
    screen("gtk-dark-disabled", "gtk", "disabled", False, disabled=True, dark=True),
    screen("gtk-small", "gtk", "small", False, pixels=9),
    screen("gtk-double", "gtk", "double", True, scale=2, rows=6),
    screen("gtk-japanese", "gtk", "japanese", False, language=JAPANESE),
    screen("qt-form", "qt", "office", True),
    screen("qt-dark", "qt", "dark", True, dark=True),
    screen("qt-small", "qt", "small", True, pixels=9, font="Nimbus Sans"),
    screen("qt-double", "qt", "double", False, scale=2, rows=6),
    screen("qt-japanese", "qt", "japanese", True, language=JAPANESE, pixels=14),
    screen("page", "page", "web", False, font="Nimbus Sans"),
    screen("page-dark", "page", "dark", True, dark=True),
    screen("page-small", "page", "small", True, pixels=9, font="Nimbus Sans"),
    screen("page-double", "page", "double", True, scale=2, rows=6),
    screen("page-japanese", "page", "japanese", True, language=JAPANESE),
    screen("xterm-bitmap", "xterm", "terminal", False, font="fixed"),
    screen("xterm-dark", "xterm", "terminal", True, face="DejaVu Sans Mono", pixels=10, dark=True),
    screen("gtk-large", "gtk", "office", True, pixels=20, rows=7),
    screen("gtk-dark-serif", "gtk", "dark", True, dark=True, font="DejaVu Serif", pixels=12),
    screen("gtk-japanese-dark", "gtk", "japanese", True, language=JAPANESE, dark=True),
    screen("gtk-japanese-disabled", "gtk", "japanese", False, language=JAPANESE, disabled=True, pixels=15),
    screen("qt-serif", "qt", "office", False, font="DejaVu Serif", pixels=14),
    screen("qt-japanese-dark", "qt", "japanese", True, language=JAPANESE, dark=True),
    screen("page-serif", "page", "web", True, font="DejaVu Serif", pixels=15),
    screen("page-japanese-small", "page", "japanese", True, language=JAPANESE, pixels=12),
    screen("page-japanese-dark", "page", "japanese", False, language=JAPANESE, dark=True),
    screen("xterm-large", "xterm", "terminal", True, face="DejaVu Sans Mono", pixels=13),
    screen("writer", "libreoffice", "libreoffice", False, kind="writer"),
    screen("writer-serif", "libreoffice", "libreoffice", True, kind="writer", font="DejaVu Serif", points=10),
    screen("writer-japanese", "libreoffice", "japanese", True, language=JAPANESE, kind="writer"),
    screen("calc", "libreoffice", "libreoffice", True, kind="calc"),
    screen("calc-small", "libreoffice", "libreoffice", False, kind="calc", points=8, font="Nimbus Sans"),
    screen("calc-japanese", "libreoffice", "japanese", False, language=JAPANESE, kind="calc"),
    screen("swing", "swing", "swing", False),
    screen("swing-nimbus", "swing", "swing", True, look="Nimbus"),
    screen("swing-aliased", "swing", "swing", False, smooth=False, font="Nimbus Sans"),
    screen("swing-japanese", "swing", "japanese", True, language=JAPANESE, look="Nimbus", pixels=14),
    screen("remote-gtk", "remote", "remote", False, inside="gtk", bits=32),
    screen("remote-qt", "remote", "remote", True, inside="qt", bits=16),
    screen("remote-swing", "remote", "remote", False, inside="swing", bits=16, pixels=12),
    screen("remote-japanese", "remote", "japanese", True, inside="gtk", language=JAPANESE, bits=16),
]
