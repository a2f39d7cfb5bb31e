"""What stands on the screens: words of offices, chosen anew for each screen by its seed."""

import random

LABELS = [
    "Name", "Company", "Street", "Postal code", "City", "Country", "Order number", "Due date",
    "Net amount", "Discount", "Account holder", "Cost centre", "Delivery", "Reference", "Status",
    "Unit price", "Quantity", "Total", "Currency", "Remark", "E-mail", "Phone", "Valid until",
]
VALUES = [
    "Northwind Ltd.", "4711-0815", "2026-11-22", "1,298.40", "EUR", "Hauptstraße 12", "80331",
    "München", "INV-2026-0042", "19 %", "0.5 kg", "j.doe@example.org", "+49 89 123456", "Paid",
    "Lot 7b", "ACME & Sons", "C:\\Temp\\out.csv", "10:45", "#A7F3", "12 pcs", "30 days", "Q3/2026",
]
BUTTONS = ["Save", "Cancel", "Apply", "Post invoice", "Delete", "New order", "Print", "Close", "Next >",
           "Help", "Browse...", "Search", "Export", "Log out", "Yes", "No", "Retry"]
CHECKS = ["Paid in full", "Send a copy", "Keep me informed", "Read only", "Show archived", "Express",
          "Use default address", "Include tax"]
SENTENCES = [
    "The shipment left the warehouse on Tuesday and will arrive within three days.",
    "Please check the totals before you post this invoice; it cannot be undone.",
    "All amounts are in euros unless the column says otherwise.",
    "Two items are out of stock: the flow meter and the pressure valve.",
    "Warning: the licence key expires on 1 December 2026.",
    "Press F5 to refresh the list, or Ctrl+F to search it.",
    "File not found: /var/spool/jobs/0017.xml (error 2).",
    "Quick brown foxes jump over 13 lazy dogs; 7 of them sleep.",
    "Contact the help desk if the problem persists for more than 24 hours.",
    "Your session will end in 5 minutes. Unsaved changes are lost.",
]
JA_LABELS = ["氏名", "会社名", "住所", "郵便番号", "電話番号", "注文番号", "請求日", "支払期限",
             "数量", "単価", "合計金額", "消費税", "備考", "担当者", "状態", "納品先"]
JA_VALUES = ["山田太郎", "株式会社東京商事", "東京都千代田区丸の内1-2-3", "03-1234-5678",
             "2026年11月22日", "請求書第4711号", "完了", "未処理", "佐藤花子", "大阪支店",
             "翌月末払い", "1,298,550円", "返品不可", "ボルト", "ネジセット", "配送中"]
JA_BUTTONS = ["保存", "キャンセル", "適用", "削除", "新規作成", "印刷", "閉じる", "検索", "はい", "いいえ"]
JA_CHECKS = ["支払済み", "控えを送付する", "読み取り専用", "既定の住所を使用", "税込みで表示"]
JA_SENTENCES = [
    "商品は火曜日に倉庫を出荷され、三日以内に到着します。",
    "請求書を登録する前に合計金額を確認してください。",
    "特に記載のない限り、金額はすべて円で表示されます。",
    "在庫切れの商品が二点あります。",
    "問題が続く場合はヘルプデスクに連絡してください。",
]


class Texts:
    """The texts of one screen."""

    def __init__(self, seed, language):
        self.random = random.Random(seed)
        def pick(latin, japanese):
            texts = japanese if language == "japanese" else latin
            return self.random.sample(texts, k=len(texts))

        self.labels = pick(LABELS, JA_LABELS)
        self.values = pick(VALUES, JA_VALUES)
        self.buttons = pick(BUTTONS, JA_BUTTONS)
        self.checks = pick(CHECKS, JA_CHECKS)
        self.sentences = pick(SENTENCES, JA_SENTENCES)

    def rows(self, count):
        """Rows of a table: number, article, amount, price, date."""
        for number in range(1, count + 1):
            price = self.random.randrange(100, 999_999) / 100
            yield [
                str(number),
                f"{self.random.choice('ABCKPQ')}{self.random.choice('LRTVX')}-{self.random.randrange(10_000):04}",
                self.values[number % len(self.values)],
                str(self.random.randrange(1, 500)),
                f"{price:,.2f}",
                f"2026-{self.random.randrange(1, 13):02}-{self.random.randrange(1, 29):02}",
            ]
