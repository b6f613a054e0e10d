from collections import Counter


def common(text):
    return sorted(Counter(text.lower().split()).items(), key=lambda item: (-item[1], item[0]))[:5]
